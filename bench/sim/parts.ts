import { Attempt, Call, Pass } from '../../src/call/index.js';
import { Message, type Protocol } from '../../src/message/index.js';
import type { BalancerRule, ClusterRule, EndpointRule, OutlierRule } from '../../src/rules/index.js';

/** What a cluster takes besides itself, as plain as can be. */

const PROTOCOL: Protocol = {
  name: 'simulated',
  sharing: 'multiplexed',
  open() {
    throw new Error('nothing is read or written here');
  },
};
const REQUEST = new Message('request', [], { operation: () => 'simulated', get: () => undefined, keys: () => [] });
const CALL = new Call(REQUEST, PROTOCOL, { host: 'simulated', port: 0 }, { reply() {}, fail() {} });

class SimPass extends Pass {
  readonly route = '';
  readonly cluster = '';
  readonly settled = false;
  resume(): void {}
  end(): void {}
}

/** An attempt without a pipeline around it: who holds it settles it. */
export class SimAttempt extends Attempt {
  readonly remainingMs = Number.POSITIVE_INFINITY;
  settled = false;
  readonly beganAt: number;

  constructor(now: number, hash: bigint | undefined) {
    super(new SimPass(CALL), 1, undefined);
    this.beganAt = now;
    this.pass.hash = hash;
  }

  resume(): void {}
  connected(): void {}
  refused(): void {}
  written(): void {}
  replied(): void {}
  lost(): void {}
  end(): void {}
}

export function simClusterRule(balancer: BalancerRule, outlier?: OutlierRule): ClusterRule {
  return {
    name: 'outbound|80||simulated',
    host: 'simulated',
    port: 80,
    subset: '',
    endpointsKey: 'simulated_80',
    labels: {},
    balancer,
    outlier,
    limits: { maxConnections: 1, maxPendingRequests: 1, maxRequests: 1, maxRetries: 0 },
    connectTimeoutMs: 0,
    tlsMode: 'disabled',
    policy: {},
    from: { source: 'simulation', origin: 'simulation' },
  };
}

export function simEndpointRule(address: string, port: number, weight: number): EndpointRule {
  return { address, port, labels: {}, weight, locality: '', priority: 0, tlsMode: undefined };
}
