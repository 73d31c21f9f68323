import type { RoutePlan } from '../pipeline/index.js';
import type { Share } from '../policy/index.js';
import { effectiveLimits } from '../rules/index.js';

/** The limits of a plan of which this process has a share, in words: `maxRequests 5 of 10: one of 2 workers`. */
export function sharesOf({ cluster, policy }: RoutePlan, share: Share): readonly string[] {
  if (share.count === 1) return [];
  const shares: string[] = [];
  const tell = (name: string, own: number, whole: number | undefined) => {
    if (whole === undefined || !Number.isFinite(whole)) return;
    shares.push(`${name} ${own} of ${whole}: one of ${share.count} workers`);
  };
  const { maxPendingRequests, ...underWay } = effectiveLimits(cluster, policy);
  for (const [name, limit] of Object.entries(underWay)) tell(name, share.underWay(limit), limit);
  tell('maxPendingRequests', share.of(maxPendingRequests), maxPendingRequests);
  const { rateLimit, pacing, retry } = policy;
  for (const bucket of [rateLimit?.bucket, ...(rateLimit?.conditions ?? []).map((it) => it.bucket)]) {
    if (bucket !== undefined) tell('maxTokens', share.bucket(bucket).rule.maxTokens, bucket.maxTokens);
  }
  if (pacing !== undefined) tell('ratePerSecond', share.rate(pacing.ratePerSecond), pacing.ratePerSecond);
  if (retry !== undefined) tell('minPerSecond', share.rate(retry.budget.minPerSecond), retry.budget.minPerSecond);
  return shares;
}
