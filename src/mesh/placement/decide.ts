import type { FailureCode } from '../../call/index.js';
import type { OnNoRules, PlacementWish } from './options.js';
import type { PlacementReason } from './reasons.js';

/**
 * Where the calls to a destination go. `in-process`: through the pipeline here. `sidecar`: to the proxy beside us, which
 * does what the rules say. `direct`: to the address as it was named, ungoverned. `refused`: nowhere. `waiting`: nowhere yet.
 */
export type Placement = 'in-process' | 'sidecar' | 'direct' | 'refused' | 'waiting';

/** A placement with its reason. */
export interface Decided {
  readonly placement: Placement;
  readonly reason: PlacementReason;
  /** Of the Failure, if it is refused. */
  readonly code?: FailureCode;
}

/** All that a placement is decided from. */
export interface PlacementFacts {
  readonly wish: PlacementWish;
  /** `none`: no sidecar for this destination. `captures`: one that takes our own connections to endpoints too. */
  readonly sidecar: 'unknown' | 'none' | 'there' | 'captures';
  /**
   * `reading`: files and last-good rules, which take no time. `waiting`: the first may still come. `late`: they did not come in time. `undescribed`: all rules are here, and this
   * is none of the mesh's services. `stale`: older than `maxStale`.
   */
  readonly rules: 'reading' | 'waiting' | 'late' | 'undescribed' | 'here' | 'stale';
  /** Some rule describes it as a service of the mesh. Without its route table, if the rules are late. */
  readonly described: boolean;
  /** What a described service speaks can be decoded. */
  readonly codec: boolean;
  /** How many of its endpoints want mTLS that we cannot present. */
  readonly mtls: 'none' | 'some' | 'all';
  readonly onNoRules: OnNoRules;
}

/**
 * Where a destination belongs by the facts of the moment; `hysteresis.ts` says when it goes there.
 *
 * In-process unless something is in the way, the sidecar if something is and there is one. Without one, what must not be
 * done otherwise is refused: plaintext where mTLS is wanted, bytes that nobody here can read, what the configuration
 * wants at a sidecar. Where in-process does as well as can be, it goes on: with the endpoints that take plaintext, with
 * old rules (an outage of the control plane must not become one of the calls).
 */
export function decide(facts: PlacementFacts): Decided {
  const { wish, sidecar, mtls } = facts;
  if (facts.rules === 'undescribed') return { placement: 'direct', reason: 'undescribed' };
  if (wish !== 'in-process' && sidecar === 'unknown') return { placement: 'waiting', reason: 'detecting' };
  const reason = obstacle(facts);
  if (reason === 'first-rules' && facts.rules === 'reading') return { placement: 'waiting', reason };
  if (reason === undefined) return { placement: 'in-process', reason: wish === 'auto' ? 'served' : 'configured' };
  if (wish !== 'in-process' && sidecar !== 'none') return { placement: 'sidecar', reason };
  if (reason === 'first-rules') return { placement: 'waiting', reason };
  if (reason === 'no-rules') return withoutRules(facts);
  if (reason === 'stale' || (reason === 'mtls' && mtls === 'some')) return { placement: 'in-process', reason };
  return { placement: 'refused', reason, code: 'NO_SIDECAR' };
}

/** What speaks against in-process, the gravest first. */
function obstacle({ wish, sidecar, rules, described, codec, mtls }: PlacementFacts): PlacementReason | undefined {
  if (wish === 'sidecar') return 'configured';
  if (wish === 'auto' && sidecar === 'captures') return 'captured';
  if (rules === 'waiting' || rules === 'reading') return 'first-rules';
  if (described && !codec) return 'no-codec';
  if (mtls === 'all') return 'mtls';
  if (rules === 'late') return 'no-rules';
  if (mtls === 'some') return 'mtls';
  return rules === 'stale' ? 'stale' : undefined;
}

/** Never in plaintext where mTLS is known to be wanted: a default route passes such endpoints by, dialling does not. */
function withoutRules({ described, mtls, onNoRules }: PlacementFacts): Decided {
  const reason = 'no-rules';
  if (onNoRules === 'default-route' && described) return { placement: 'in-process', reason };
  if (onNoRules === 'direct' && mtls === 'none') return { placement: 'direct', reason };
  return { placement: 'refused', reason, code: 'NO_RULES' };
}
