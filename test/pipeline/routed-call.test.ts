import { describe, expect, jest, test } from '@jest/globals';
import { NEVER, type Observable, of } from 'rxjs';
import { Failure, Reply } from '../../src/call/index.js';
import type { Message, Protocol } from '../../src/message/index.js';
import {
  ActiveCalls,
  compileChain,
  type Interceptor,
  RoutedCall,
  type RoutePlan,
  ServicePlan,
} from '../../src/pipeline/index.js';
import { deadlineStage, type PlanScope } from '../../src/policy/index.js';
import { RouteTable } from '../../src/routing/index.js';
import type { ServiceRule } from '../../src/rules/index.js';
import { bench, message, protocol as plain, routeRule, Sink } from './support.js';

function setUp(protocol: Protocol, intercept?: Interceptor['intercept']) {
  const { runtime, upstream, plan } = bench();
  const active = new ActiveCalls();
  const deadline = deadlineStage.bind({ runtime, policy: {} } as unknown as PlanScope)!;
  const compiled: RoutePlan = plan({ deadline });
  const compile = jest.fn(() => compiled);
  const service = new ServicePlan({
    rule: { host: 'demo', port: 1, routes: [routeRule] } as unknown as ServiceRule,
    direction: 'outbound',
    protocol,
    runtime,
    table: new RouteTable([routeRule], {}),
    meters: { started() {}, ended() {} } as never,
    beforeRoute: intercept === undefined ? null : compileChain([{ name: 'it', intercept }], 'before-route', 'outbound'),
    hash: undefined,
    active,
    compile,
    dispose() {},
  });
  const sink = new Sink();
  const call = (request: Message = message()) =>
    new RoutedCall(request, protocol, { host: 'demo', port: 1 }, sink, undefined, service);
  return { runtime, upstream, active, sink, call, service, compile };
}

const throws = (): never => {
  throw new Error('broken');
};

describe('what a protocol throws', () => {
  test('reading the deadline fails the call, which is over then', () => {
    const { sink, active, call } = setUp({ ...plain, deadline: throws });
    call().start();
    expect(sink.outcomes).toHaveLength(1);
    expect(sink.outcomes[0]).toMatchObject({ code: 'INTERNAL', cause: { message: 'broken' } });
    expect(active.count).toBe(0);
  });

  test('classifying the reply fails the call, and not its connection', () => {
    const { sink, upstream, active, call } = setUp({ ...plain, classify: throws });
    call().start();
    upstream.sent[0]!.replied(message('response'));
    expect(sink.outcomes).toHaveLength(1);
    expect(sink.outcomes[0]).toMatchObject({ code: 'INTERNAL', sent: 'yes' });
    expect(active.count).toBe(0);
  });

  test('a deadline that is no number is none', () => {
    const { sink, upstream, call } = setUp({ ...plain, deadline: () => Number.NaN });
    call().start();
    upstream.sent[0]!.replied(message('response'));
    expect(sink.outcomes[0]).toBeInstanceOf(Reply);
  });
});

describe('interceptors before the route', () => {
  test('end by the deadline of the call too', () => {
    const { sink, runtime, active, call } = setUp(plain, () => NEVER);
    const hung = call();
    hung.deadlineAt = runtime.now() + 50;
    hung.start();
    runtime.advance(50);
    expect(sink.outcomes).toHaveLength(1);
    expect(sink.outcomes[0]).toMatchObject({ code: 'DEADLINE', sent: 'no' });
    expect(active.count).toBe(0);
  });

  test('that answer leave no timer behind', () => {
    const { sink, upstream, runtime, call } = setUp({ ...plain, deadline: () => 50 }, (it, next) => next(it));
    call().start();
    upstream.sent[0]!.replied(message('response'));
    expect(runtime.pending).toBe(0);
    expect(sink.outcomes).toHaveLength(1);
  });

  test('whose call ends while they are started are unsubscribed', () => {
    const { sink, upstream, active, call } = setUp(plain, (it, next) => {
      (it as RoutedCall).end(new Failure('DRAINING'));
      return next(it);
    });
    call().start();
    expect(sink.outcomes).toHaveLength(1);
    expect(active.count).toBe(0);
    expect(upstream.abandoned).toEqual(upstream.sent);
  });

  test('that go on after the plans are gone compile nothing, since nobody would let go of it', () => {
    let later: Observable<Reply> | undefined;
    const { sink, call, service, compile } = setUp(plain, (it, next) => {
      later = next(it);
      return of(new Reply(message('response')));
    });
    call().start();
    service.retire();
    const error = jest.fn();
    later!.subscribe({ error });
    expect(error).toHaveBeenCalledWith(expect.objectContaining({ code: 'DRAINING' }));
    expect(compile).not.toHaveBeenCalled();
    expect(sink.outcomes).toHaveLength(1);
  });
});
