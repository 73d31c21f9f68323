import { expect, test } from '@jest/globals';
import { Call, type Failure, type Outcome, Reply } from '../../src/call/index.js';
import { RoutedPass } from '../../src/pipeline/index.js';
import { observed } from '../../src/pipeline/observe.js';
import { ConcurrencySlots, concurrencyStage, KeyedStateStore, type PlanScope, WAIT } from '../../src/policy/index.js';
import { bench, clusterRule, message, protocol, routeRule, Sink } from './support.js';

test('a slot that comes free does not hurry an attempt that waits for its connection', () => {
  const { runtime, upstream, plan } = bench();
  const state = new KeyedStateStore().hold();
  const concurrency = observed(
    concurrencyStage.bind({
      ...{ service: { key: 'demo_1' }, route: routeRule, cluster: clusterRule, state, runtime },
      policy: { limits: { maxRequests: 1 } },
    } as unknown as PlanScope)!,
    'concurrency',
  );
  let connected = true;
  const balance = {
    before: (attempt: { connection: unknown }) => {
      if (connected) attempt.connection = upstream;
      return connected ? undefined : WAIT;
    },
    settled() {},
  };
  const outcomes: Outcome[] = [];
  const start = () => {
    const call = new Call(message(), protocol, { host: 'demo', port: 1 }, new Sink());
    const pass = new RoutedPass(call, plan({ concurrency, balance: balance as never }), {
      passEnded: (_pass, outcome) => outcomes.push(outcome),
    });
    pass.call.now = runtime.now();
    pass.start();
    return pass;
  };
  start();
  connected = false;
  const waiting = start();
  upstream.sent[0]!.replied(message('response')); // frees the only slot
  expect(outcomes).toHaveLength(1);
  waiting.attempt!.connected(upstream);
  upstream.sent[1]!.replied(message('response'));
  expect(outcomes.map((it) => (it instanceof Reply ? it.status : (it as Failure).message))).toEqual(['ok', 'ok']);
  const slots = state.get(`cluster/${clusterRule.name}/slots`, null, () => new ConcurrencySlots());
  expect([slots.active, slots.waiting]).toEqual([0, 0]);
});
