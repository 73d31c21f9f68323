import { quantile } from '../kit/measure.js';
import type { BlockFigures } from './kit/closed-loop.js';
import type { ProtocolName } from './kit/exchanges.js';
import type { Program } from './kit/processes.js';
import type { Exchange } from './kit/wire.js';
import type { Leg } from './legs.js';
import type { ClientTask } from './programs/client.js';

/** What is measured at a time, for all legs. */
export interface Case {
  readonly protocol: ProtocolName;
  readonly exchange: Exchange;
  readonly callers: number;
}

export interface Pace {
  readonly rounds: number;
  readonly blockMs: number;
  /** Calls of each client before its first block that counts: while they are young, processes are several times slower. */
  readonly warmCalls: number;
}

/** A leg's figures in a case. Times in µs. */
export interface LegFigures {
  readonly leg: string;
  readonly p50: number;
  readonly p99: number;
  /** A call's, of all processes. */
  readonly cpu: number;
  readonly callsPerSecond: number;
  readonly calls: number;
  readonly wrong: number;
  readonly lost: number;
}

export function isFaulty({ wrong, lost }: { readonly wrong: number; readonly lost: number }): boolean {
  return wrong + lost > 0;
}

export interface Runner {
  readonly leg: Leg;
  readonly client: Program;
}

/**
 * Legs alternate block by block, and their order turns round each time. Of a leg's blocks the best quarter's edge counts: what
 * others do on the machine only ever makes blocks worse, and a single best block may be luck.
 */
export async function measure({ protocol, exchange, callers }: Case, runners: readonly Runner[], pace: Pace) {
  const { rounds, blockMs, warmCalls } = pace;
  const blocks = new Map<Runner, BlockFigures[]>(runners.map((it) => [it, []]));
  const alive = new Set(runners);
  for (const { leg, client } of runners)
    await tell(client, { type: 'open', exchange, callers, ...leg.address(protocol) });
  for (let round = -1; round < rounds; round++) {
    for (const runner of round % 2 === 0 ? runners : runners.toReversed()) {
      if (!alive.has(runner)) continue;
      const length = round < 0 ? { ms: 0, calls: warmCalls } : { ms: blockMs };
      const block = await tell(runner.client, { type: 'block', ...length, pids: runner.leg.pids });
      blocks.get(runner)!.push(block!);
      if (isFaulty(block!)) alive.delete(runner);
    }
  }
  for (const { client } of runners) await tell(client, { type: 'close' });
  return runners.map((runner) => figuresOf(runner.leg.id, blocks.get(runner)!));
}

function tell(client: Program, task: ClientTask): Promise<BlockFigures | undefined> {
  return client.ask(task);
}

function figuresOf(leg: string, all: readonly BlockFigures[]): LegFigures {
  const counted = all.length > 1 ? all.slice(1) : all;
  const sum = (key: keyof BlockFigures) => all.reduce((total, it) => total + it[key], 0);
  const best = (key: keyof BlockFigures, share: number) =>
    quantile(
      counted.map((it) => it[key]),
      share,
    );
  return {
    leg,
    p50: best('p50', 0.25),
    p99: best('p99', 0.25),
    cpu: best('cpu', 0.25),
    callsPerSecond: best('callsPerSecond', 0.75),
    calls: sum('calls'),
    wrong: sum('wrong'),
    lost: sum('lost'),
  };
}
