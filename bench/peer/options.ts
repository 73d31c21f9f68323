import { parseArgs } from 'node:util';
import { MAX_CALLERS } from './kit/closed-loop.js';
import { PROTOCOLS, type ProtocolName } from './kit/exchanges.js';
import { LEGS, type LegKind } from './legs.js';
import type { Pace } from './measure.js';

export interface Options {
  readonly legs: readonly LegKind[];
  readonly protocols: readonly ProtocolName[];
  readonly sizes: readonly number[];
  readonly callers: readonly number[];
  readonly pace: Pace;
  /** Undefined: processes are where the kernel puts them. */
  readonly core: string | undefined;
  readonly json: boolean;
  /** Figures are held against what is promised: not those of short blocks. */
  readonly judged: boolean;
  /** Where clients leave their profiles. */
  readonly profiles: string | undefined;
}

export const USAGE = `npm run bench:peer -- [options]
  --legs a,b       of ${LEGS.map((it) => it.id).join(', ')}; direct is always there
  --protocols a,b  of ${PROTOCOLS.join(', ')}
  --sizes n,n      bytes of argument and result (20,1024,122880)
  --callers n,n    calls at a time, up to ${MAX_CALLERS} (1,16)
  --rounds n       blocks a leg (21), of --block ms each (80), after --warm calls (60000)
  --core n         the core that all processes share (1); 'any': where the kernel puts them
  --quick          short blocks, and no legs of others: does it work?
  --json           for a machine
  --profile DIR    each client leaves a CPU profile there`;

/** Need nothing but Node. */
const OWN = LEGS.filter((it) => !/haproxy|envoy/.test(it.id));
const FULL = { sizes: '20,1024,122880', callers: '1,16', rounds: '21', block: '80', warm: '60000' };
const QUICK = { sizes: '1024,122880', callers: '1,16', rounds: '1', block: '20', warm: '300' };

/** @throws Error - an option is not known, or what it says is not */
export function optionsOf(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ legs: text, protocols: text, sizes: text, callers: text, rounds: text, block: text, warm: text },
      ...{ core: text, quick: flag, json: flag, profile: text },
    },
  });
  const given = { ...(values.quick ? QUICK : FULL), ...values };
  const legs = values.legs ?? (values.quick ? OWN : LEGS).map((it) => it.id).join();
  const protocols = values.protocols ?? PROTOCOLS.join();
  const core = values.core ?? '1';
  return {
    legs: LEGS.filter(
      (it) =>
        it.id === 'direct' ||
        known(
          legs,
          LEGS.map((each) => each.id),
        ).includes(it.id),
    ),
    protocols: known(protocols, PROTOCOLS),
    sizes: given.sizes.split(',').map((it) => number('sizes', it, 8)),
    callers: given.callers.split(',').map((it) => number('callers', it, 1, MAX_CALLERS)),
    pace: {
      rounds: number('rounds', given.rounds, 1),
      blockMs: number('block', given.block, 1),
      warmCalls: number('warm', given.warm, 1),
    },
    core: core === 'any' ? undefined : core,
    json: values.json,
    judged: !values.quick,
    profiles: values.profile,
  };
}

function known<T extends string>(list: string, all: readonly T[]): T[] {
  return list.split(',').map((name) => {
    const found = all.find((it) => it === name);
    if (found === undefined) throw new Error(`'${name}' is none of ${all.join(', ')}`);
    return found;
  });
}

function number(option: string, text: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`--${option}: '${text}' is not a whole number from ${least}${most < 1e9 ? ` to ${most}` : ''}`);
}
