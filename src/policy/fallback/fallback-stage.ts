/**
 * Names another cluster for calls that failed in a way the rule lists; the runner makes a second pass to it with what
 * time is left. The second pass has no fallback back to where it came from. A refusal by authorization is never answered
 * so, or a fallback would be a way around it; and a caller who left needs no answer.
 *
 * A timeout may mean that the first cluster did run the operation. Whoever lists timeouts says that it may run twice.
 */
import { FALLBACK_CODES, type Failure, type FailureCode, type Pass } from '../../call/index.js';
import type { Fallback, StageBinder } from '../stage.js';

/** What an empty list stands for. */
export const DEFAULT_FALLBACK_CODES: readonly FailureCode[] = [
  'DEADLINE',
  'ATTEMPT_TIMEOUT',
  'CIRCUIT_OPEN',
  'NO_ENDPOINT',
  'OVERFLOW',
];

class ClusterFallback implements Fallback {
  constructor(
    private readonly codes: ReadonlySet<string>,
    private readonly cluster: string,
  ) {}

  recover(pass: Pass, failure: Failure): string | undefined {
    return this.codes.has(failure.code) && pass.cluster !== this.cluster ? this.cluster : undefined;
  }
}

export const fallbackStage: StageBinder<Fallback> = {
  role: 'fallback',
  why: 'tries another cluster when the first fails in a way that the rule names',
  bind({ direction, cluster, policy: { fallback }, route }) {
    if (direction === 'inbound' || fallback === undefined || fallback.cluster === cluster.name) return undefined;
    const codes = new Set<string>(fallback.on.length === 0 ? DEFAULT_FALLBACK_CODES : fallback.on);
    const wrong = [...codes].find((code) => !(FALLBACK_CODES as readonly string[]).includes(code));
    if (wrong !== undefined) {
      throw new Error(`fallback of route '${route.name}': '${wrong}' is no failure code that a fallback may answer`);
    }
    return new ClusterFallback(codes, fallback.cluster);
  },
};
