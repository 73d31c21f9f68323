/**
 * Routes from Aeraki's MetaRDS, on one stream. What to expect of the real server, recorded in `test/golden/metards`:
 *
 * - Silence of 1 to 10 s at first is normal, and so is silence ever after, while nothing changes.
 * - An answer is acknowledged whatever is thought of it: a refusal (NACK) is answered with the same again, at once and
 *   without end. What cannot be honoured keeps its last good state here.
 * - What it knows of a node goes when any stream of that node closes, also late: each attempt has a node id of its own.
 * - No names mean all names. So a list that has become empty is not sent.
 *
 * When the connection is gone, everything stays in force, and it is tried again with growing, jittered waits.
 */
import { hostname } from 'node:os';
import { Observable, type Subscriber, type Subscription } from 'rxjs';
import type { RuleChange, RuleSource, SourceContext } from '../../../src/rules/index.js';
import { type Expirable, type Runtime, systemRuntime, type Timer } from '../../../src/runtime/index.js';
import { type Security, security } from './credentials.js';
import { type MetaRdsOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { RouteStream } from './route-stream.js';
import { Tables } from './tables.js';
import { decodeResponse } from './wire.js';

const NAME = 'metards';
/** How long an answer is worked on before the event loop gets its turn. */
const SLICE_MS = 5;
/**
 * A control plane that has just started may answer before it knows everything. What its first answers after a
 * loss leave out is kept so long.
 */
const DOUBT_MS = 15_000;

/**
 * The routes that Aeraki's control plane sends, for services that other sources describe. `complete` comes with the first
 * answer. It never fails for good: while the server is away, or sends what cannot be honoured, what was good stays.
 * An open connection keeps the process alive; closing the mesh ends it.
 * @throws TypeError - an option that cannot be
 */
export function metaRdsSource(options: MetaRdsOptions): RuleSource {
  const resolved = resolveOptions(options);
  return {
    name: NAME,
    precedence: 200,
    watch: (context) =>
      new Observable((subscriber) => {
        const session = new Session(resolved, context, subscriber);
        return () => session.close();
      }),
  };
}

class Session implements Expirable {
  readonly #options: ResolvedOptions;
  readonly #runtime: Runtime;
  readonly #subscriber: Subscriber<readonly RuleChange[]>;
  readonly #tables: Tables;
  readonly #uses: Subscription | undefined;
  /** Undefined: all. */
  #names: ReadonlySet<string> | undefined;
  #stream: RouteStream | undefined;
  /** Was there an answer on this stream? */
  #answered = false;
  /** Is an answer worked on? */
  #busy = false;
  #work: Promise<void> = Promise.resolve();
  #version = '';
  #nonce = '';
  /** Was there ever an answer? */
  #synced = false;
  #told = '';
  /** Those that the newest answer was for. */
  #answeredNames: ReadonlySet<string> | undefined;
  #toldNames: ReadonlySet<string> | undefined;
  #failures = 0;
  #attempt = 0;
  #retry: Timer | undefined;
  #doubt: Timer | undefined;

  constructor(
    options: ResolvedOptions,
    context: SourceContext | undefined,
    subscriber: Subscriber<readonly RuleChange[]>,
  ) {
    this.#options = options;
    this.#runtime = context?.runtime ?? systemRuntime();
    this.#subscriber = subscriber;
    this.#tables = new Tables(NAME, options.address);
    if (options.names === 'used') {
      if (context === undefined) throw new Error("names: 'used' needs a mesh, which knows what services it uses");
      this.#uses = context.inUse.subscribe((keys) => this.#use(keys));
    } else {
      this.#names = options.names === 'all' ? undefined : new Set(options.names);
      this.#connect();
    }
  }

  close(): void {
    this.#attempt++;
    this.#uses?.unsubscribe();
    this.#retry?.cancel();
    this.#doubt?.cancel();
    this.#stream?.close();
    this.#stream = undefined;
  }

  expired(timer: Timer): void {
    if (timer === this.#retry) {
      this.#connect();
    } else {
      this.#doubt = undefined;
      // An answer that is worked on may bring them back: then it says what is absent.
      if (!this.#busy) this.#say(this.#tables.removeAbsent(), false);
    }
  }

  #use(keys: ReadonlySet<string>): void {
    if (keys.size === 0) {
      // Nothing to ask for is all that there is to know.
      if (this.#names === undefined) this.#subscriber.next([{ type: 'complete', of: keys }]);
      return;
    }
    const before = this.#names;
    this.#names = keys;
    if (before === undefined) this.#connect();
    else if (this.#stream !== undefined && !this.#busy) this.#request(this.#stream);
  }

  #connect(): void {
    const attempt = ++this.#attempt;
    security(this.#options).then(
      (secured) => {
        if (attempt === this.#attempt) this.#open(secured);
      },
      (error: Error) => {
        if (attempt === this.#attempt) this.#lost(`TLS: ${error.message}`);
      },
    );
  }

  #open(secured: Security): void {
    const { nodeId = `${hostname()}-${process.pid}` } = this.#options;
    this.#answered = false;
    this.#busy = false;
    this.#version = '';
    this.#nonce = '';
    let stream: RouteStream;
    try {
      stream = new RouteStream(this.#options, secured, this.#runtime, {
        answered: (bytes) => this.#take(stream, bytes),
        ended: (reason) => this.#lost(reason),
      });
    } catch (error) {
      this.#lost((error as Error).message);
      return;
    }
    this.#stream = stream;
    const unique = Math.floor(this.#runtime.random() * 2 ** 48).toString(16);
    this.#request(stream, `${nodeId}~${unique}-${this.#attempt}`);
  }

  #request(stream: RouteStream, nodeId?: string): void {
    const request = { names: [...(this.#names ?? [])], version: this.#version, nonce: this.#nonce };
    stream.send(nodeId === undefined ? request : { ...request, nodeId });
  }

  #lost(reason: string): void {
    this.#stream = undefined;
    this.#doubt?.cancel();
    this.#doubt = undefined;
    const { address, reconnectBaseMs, reconnectMaxMs } = this.#options;
    const longest = Math.min(reconnectMaxMs, reconnectBaseMs * 2 ** this.#failures++);
    this.#retry = this.#runtime.timers.arm(longest * (0.5 + this.#runtime.random() / 2), this);
    const state = this.#synced ? 'stale' : 'connecting';
    this.#subscriber.next([{ type: 'state', state, error: `${address}: ${reason}` }]);
  }

  /** One after the other: the answer of a stream that was lost is finished before that of the next one is begun. */
  #take(stream: RouteStream, bytes: Buffer): void {
    this.#busy = true;
    const next = this.#work.then(() => this.#takeInSlices(stream, bytes));
    this.#work = next.catch((error: unknown) => this.#subscriber.error(error));
  }

  async #takeInSlices(stream: RouteStream, bytes: Buffer): Promise<void> {
    if (this.#subscriber.closed) return;
    const response = this.#decode(stream, bytes);
    if (response === undefined) return;
    const names = this.#names;
    const steps = this.#tables.take(response.resources, names);
    let until = this.#runtime.now() + SLICE_MS;
    let step = steps.next();
    while (!step.done) {
      if (this.#runtime.now() >= until) {
        await new Promise((resolve) => setImmediate(resolve));
        if (this.#subscriber.closed) return;
        until = this.#runtime.now() + SLICE_MS;
      }
      step = steps.next();
    }
    const changes = step.value;
    if (stream !== this.#stream) {
      // Lost meanwhile. What it said holds, though nobody is there to be told.
      if (changes.length > 0) this.#subscriber.next([...changes, ...this.#complaints()]);
      return;
    }
    const first = !this.#answered;
    if (first) this.#begin();
    if (this.#doubt === undefined) changes.push(...this.#tables.removeAbsent());
    this.#version = response.versionInfo;
    this.#nonce = response.nonce;
    this.#answeredNames = names;
    this.#say(changes, first);
    this.#busy = false;
    this.#request(stream);
  }

  #decode(stream: RouteStream, bytes: Buffer) {
    try {
      return decodeResponse(bytes);
    } catch (error) {
      if (stream !== this.#stream) return undefined;
      stream.close();
      this.#lost(`an answer could not be read: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** The first answer of a stream. */
  #begin(): void {
    this.#answered = true;
    this.#failures = 0;
    if (this.#synced) this.#doubt = this.#runtime.timers.arm(DOUBT_MS, this);
    this.#synced = true;
  }

  #say(changes: readonly RuleChange[], first: boolean): void {
    const complaints = this.#complaints();
    const told = complaints.map(({ message }) => message).join('\n');
    const state = { type: 'state', state: 'live', version: this.#version } as const;
    const of = this.#answeredNames;
    if (changes.length === 0 && told === this.#told && of === this.#toldNames && !first) {
      this.#subscriber.next([state]);
      return;
    }
    this.#told = told;
    this.#toldNames = of;
    const complete = of === undefined ? { type: 'complete' as const } : { type: 'complete' as const, of };
    this.#subscriber.next([...changes, ...complaints, state, complete]);
  }

  /** All that stand: a batch repeats them. */
  #complaints() {
    return this.#tables.problems().map((message) => ({ type: 'problem', severity: 'error', message }) as const);
  }
}
