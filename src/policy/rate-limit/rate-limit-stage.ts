/**
 * MetaProtocol's local rate limit: conditions in order, the first that matches decides alone, and only if none does the
 * default bucket is asked; without one the call passes. A refused call takes no token, and neither does any other bucket.
 *
 * Inbound, MetaRouter's limits of the service; outbound, those of TrafficPolicy, for two Meltemi ends must not debit a
 * call twice. Each of several processes takes its share. A limit belongs to the object that states it: one of a service is shared by all its routes.
 */
import { type Call, Failure, type Pass } from '../../call/index.js';
import { formatWireId } from '../../message/index.js';
import type { AttributeMatch, TokenBucketRule } from '../../rules/index.js';
import type { Runtime } from '../../runtime/index.js';
import { matchKey, statedBy } from '../scope-keys.js';
import { Share } from '../share.js';
import type { Gate, StageBinder } from '../stage.js';
import { TokenBucket } from './token-bucket.js';

interface Condition {
  readonly matches: (call: Call) => boolean;
  readonly bucket: TokenBucket;
}

class RateLimitGate implements Gate<Pass> {
  constructor(
    private readonly runtime: Runtime,
    private readonly conditions: readonly Condition[],
    private readonly otherwise: TokenBucket | undefined,
  ) {}

  before({ call }: Pass): Failure | undefined {
    const bucket = this.choose(call);
    // The call's own clock reading costs nothing, and one that is old can only make the bucket look emptier.
    if (bucket === undefined || bucket.take(call.startedAt) || bucket.take(this.runtime.now())) return undefined;
    const id = (call.protocol.formatId ?? formatWireId)(call.request);
    return new Failure('RATE_LIMITED', { role: 'rate-limit', reason: `request '${id}' has been rate limited` });
  }

  settled(): void {}

  private choose(call: Call): TokenBucket | undefined {
    const { conditions } = this;
    for (let i = 0; i < conditions.length; i++) if (conditions[i]!.matches(call)) return conditions[i]!.bucket;
    return this.otherwise;
  }
}

export const rateLimitStage: StageBinder<Gate<Pass>> = {
  role: 'rate-limit',
  why: 'refuses what is over the limit before any work is done for it',
  bind(scope) {
    const { direction, service, policy } = scope;
    const rule = direction === 'inbound' ? service.inboundRateLimit : policy.rateLimit;
    if (rule === undefined || (rule.bucket === undefined && rule.conditions.length === 0)) return undefined;
    const owner = direction === 'inbound' ? `service/${service.key}/inbound-rate-limit` : statedBy(scope, 'rateLimit');
    // A condition is known by what it matches: inserting another before it must not refill its bucket.
    const bucket = (of: TokenBucketRule, match: readonly AttributeMatch[] | null) =>
      scope.state.get(owner, [of, match && matchKey(match)], () => {
        const { rule, parts } = (scope.share ?? Share.whole).bucket(of);
        return new TokenBucket(rule, scope.runtime.now(), parts);
      });
    const conditions = rule.conditions.map((it) => ({
      matches: scope.compile(it.match),
      bucket: bucket(it.bucket, it.match),
    }));
    return new RateLimitGate(scope.runtime, conditions, rule.bucket && bucket(rule.bucket, null));
  },
};
