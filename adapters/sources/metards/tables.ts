/**
 * What the server has said, by service: state of the world, so that each answer holds everything that was asked for, and
 * what it leaves out is gone. An answer changes only what differs: the real server repeats everything to everybody
 * whenever some process connects, with its matchers in another order each time.
 *
 * A resource that cannot be honoured keeps what its service had, with a problem that stands until it is right. One that
 * cannot even be decoded has no name: then nothing counts as left out.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { type RouteTableRule, type RuleChange, sameContent } from '../../../src/rules/index.js';
import { type RouteConfiguration, RouteConfigurationSchema } from './generated/envoy/config/route/v3/route_pb.js';
import type { DiscoveryResponse } from './generated/envoy/service/discovery/v3/discovery_pb.js';
import { Problems, quoted } from './translate/problems.js';
import { parseServiceKey, routeTable } from './translate/route-table.js';
import { ROUTE_CONFIGURATION } from './wire.js';

/** Services in an answer. */
export const MAX_TABLES = 100_000;

type Resource = DiscoveryResponse['resources'][number];

/** What is known of a service. */
interface Entry {
  /** The newest resource, whatever became of it: equal bytes need no second look. A copy, so as not to hold the whole answer. */
  readonly bytes: Uint8Array;
  /** The last good one. */
  readonly table: RouteTableRule | undefined;
  readonly problem: string | undefined;
}

export class Tables {
  readonly #entries = new Map<string, Entry>();
  /** Services that the newest answer left out, and that were not removed yet. */
  readonly #absent = new Set<string>();
  /** Of the newest answer as a whole. */
  #problems: string[] = [];
  /** Has every resource of it a name? */
  #whole = true;

  /** @param source - name of the source, for provenance; `server`: its address, for people */
  constructor(
    private readonly source: string,
    private readonly server: string,
  ) {}

  /** Problems that stand, in words. */
  problems(): readonly string[] {
    const told = [...this.#problems];
    for (const { problem } of this.#entries.values()) if (problem !== undefined) told.push(problem);
    return told;
  }

  /**
   * Takes one answer, a resource at each step, so that the caller may make pauses. Nothing is to be asked in between.
   * @param wanted - names that were asked for; undefined: all
   * @returns upserts of what differs
   */
  *take(resources: readonly Resource[], wanted: ReadonlySet<string> | undefined): Generator<void, RuleChange[]> {
    const changes: RuleChange[] = [];
    const seen = new Set<string>();
    this.#problems = [];
    this.#whole = true;
    if (resources.length > MAX_TABLES) {
      this.#problems.push(`an answer of ${resources.length} resources is too much; at most ${MAX_TABLES} are taken`);
      return changes;
    }
    for (const [i, resource] of resources.entries()) {
      const name = this.#resource(resource, i, seen, wanted, changes);
      if (name !== undefined) seen.add(name);
      yield;
    }
    this.#absent.clear();
    if (this.#whole) {
      for (const name of this.#entries.keys()) if (!seen.has(name)) this.#absent.add(name);
    }
    return changes;
  }

  /** Takes away what the newest answer left out. */
  removeAbsent(): RuleChange[] {
    const changes: RuleChange[] = [];
    for (const key of this.#absent) {
      if (this.#entries.get(key)?.table !== undefined) changes.push({ type: 'remove', kind: 'routes', key });
      this.#entries.delete(key);
    }
    this.#absent.clear();
    return changes;
  }

  /** @returns its name, if it has one that was asked for */
  #resource(
    { typeUrl, value }: Resource,
    index: number,
    seen: ReadonlySet<string>,
    wanted: ReadonlySet<string> | undefined,
    changes: RuleChange[],
  ): string | undefined {
    const known = peekName(value);
    if (known !== undefined && !seen.has(known)) {
      const before = this.#entries.get(known);
      if (before !== undefined && (wanted?.has(known) ?? true) && sameBytes(before.bytes, value)) return known;
    }
    const message = typeUrl === ROUTE_CONFIGURATION ? decode(value) : `is a ${quoted(typeUrl)}`;
    if (typeof message === 'string') {
      this.#whole = false;
      this.#problems.push(`resource ${index + 1} of the answer ${message}; nothing is removed until it is right`);
      return undefined;
    }
    const { name } = message;
    if (wanted !== undefined && !wanted.has(name)) return undefined;
    if (parseServiceKey(name) === undefined) {
      this.#problems.push(`resource ${index + 1} of the answer is named ${quoted(name)}; it must be <host>_<port>`);
      return undefined;
    }
    if (seen.has(name)) this.#problems.push(`${name} comes twice in one answer; the first is taken`);
    else this.#entries.set(name, this.#entry(message, value, changes));
    return name;
  }

  #entry(message: RouteConfiguration, value: Uint8Array, changes: RuleChange[]): Entry {
    const { name } = message;
    const before = this.#entries.get(name)?.table;
    const bytes = new Uint8Array(value);
    const table = routeTable(message, this.source, `${this.server} ${name}`);
    if (table instanceof Problems) {
      return { bytes, table: before, problem: `${name} stays as it was before: ${table}` };
    }
    if (sameContent(before, table)) return { bytes, table: before, problem: undefined };
    changes.push({ type: 'upsert', kind: 'routes', rule: table });
    return { bytes, table, problem: undefined };
  }
}

/**
 * The name of an encoded RouteConfiguration if it comes first and is short, as every implementation writes it. Only to find
 * what the bytes are compared with.
 */
function peekName(value: Uint8Array): string | undefined {
  const length = value[1] ?? 0;
  if (value[0] !== NAME_TAG || length > 0x7f || value.length < 2 + length) return undefined;
  return Buffer.from(value.buffer, value.byteOffset + 2, length).toString();
}

/** Field 1, length-delimited. */
const NAME_TAG = 0x0a;

function decode(value: Uint8Array): RouteConfiguration | string {
  try {
    return fromBinary(RouteConfigurationSchema, value);
  } catch (error) {
    return `cannot be decoded (${(error as Error).message.slice(0, 200)})`;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
