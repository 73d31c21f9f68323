import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  catchError,
  concat,
  defer,
  EMPTY,
  firstValueFrom,
  from,
  ignoreElements,
  map,
  NEVER,
  Observable,
  of,
  retry,
  switchMap,
  tap,
  throwError,
  timer,
} from 'rxjs';
import type { CallSink } from '../../src/call/index.js';
import { Call, Failure, type Interceptor, type Mesh, type MeshOptions, Reply } from '../../src/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { FrameClient } from './frame-client.js';
import { callOnce, DEMO, demoService, message, payloadOf, policy, router, type World, world } from './support.js';

const closing: Mesh[] = [];
afterEach(async () => {
  for (const mesh of closing.splice(0)) await mesh.close({ drainMs: 0 });
});

function start(interceptors: Interceptor[], yaml = '', options: Partial<MeshOptions> = {}): World {
  const it = world(demoService + yaml, { interceptors, ...options });
  closing.push(it.mesh);
  it.server('10.0.0.1');
  it.server('10.0.0.2');
  return it;
}

function codes(it: World): string[] {
  const requests = it.mesh.metrics().find((metric) => metric.name === 'requests_total')!;
  return requests.samples
    .filter((one) => Number(one.value) > 0)
    .map((one) => `${one.labels.route} ${one.labels.outcome}`);
}

const byVersion = router(`routes: [
  { name: second, match: { attributes: { want: { exact: v2 } } }, route: [{ destination: { host: demo.test, subset: v2 } }] },
  { name: first, route: [{ destination: { host: demo.test, subset: v1 } }] }]`);

describe.each(['before-route', 'routed'] as const)('%s', (phase) => {
  const one = (intercept: Interceptor['intercept'], name = 'one'): Interceptor => ({ name, phase, intercept });

  test('may do asynchronous work before and after', async () => {
    const it = start([
      one((call, next) =>
        timer(1).pipe(
          switchMap(() => next(call)),
          switchMap((reply) => from(Promise.resolve(reply))),
        ),
      ),
    ]);
    expect(await it.call('a')).toMatch(/ a$/);
    expect(it.mesh.status.activeCalls).toBe(0);
  });

  test('may answer in its own words, or change the answer', async () => {
    const it = start([
      one((call, next) => {
        if (call.get('payload') === 'cached') return of(new Reply(message('response', 'cache')));
        return next(call).pipe(map((reply) => new Reply(message('response', `<${payloadOf(reply.message!)}>`))));
      }),
    ]);
    expect(await it.call('cached')).toBe('cache');
    expect(await it.call('a')).toMatch(/^<10.0.0.\d a>$/);
  });

  const failures: [string, Interceptor['intercept'], RegExp][] = [
    [
      'throws',
      () => {
        throw new Error('burst');
      },
      /^INTERNAL: interceptor one: burst$/,
    ],
    ['errs', () => throwError(() => new Error('burst')), /^INTERNAL: interceptor one: burst$/],
    [
      'errs later',
      () =>
        timer(1).pipe(
          map(() => {
            throw new Error('burst');
          }),
        ),
      /^INTERNAL: interceptor one: burst$/,
    ],
    ['errs with a Failure', () => throwError(() => new Failure('DENIED')), /^DENIED/],
    ['throws what is no error', () => throwError(() => 'words'), /^INTERNAL: interceptor one: words$/],
    ['says nothing', () => EMPTY, /^INTERNAL: an interceptor completed without a reply/],
    ['returns nothing', () => undefined as never, /^INTERNAL: interceptor one/],
    ['swallows the reply', (call, next) => next(call).pipe(ignoreElements()) as never, /completed without a reply/],
  ];
  test.each(failures)('that %s fails the call, by name', async (_what, intercept, words) => {
    const it = start([one(intercept)]);
    await it.mesh.ready();
    const call = firstValueFrom(it.mesh.call(DEMO, message('request', 'x')));
    await expect(call).rejects.toThrow(words);
    expect(it.mesh.status.activeCalls).toBe(0);
    expect(it.mesh.status.clusters.flatMap((c) => c.endpoints.map((e) => e.inflight))).not.toContain(1);
  });

  test('may subscribe again: each is a pass of its own; one-way completes without a value', async () => {
    let passes = 0;
    const flaky = one((call, next) =>
      defer(() => (++passes === 1 ? throwError(() => new Failure('CONNECTION_LOST')) : next(call))).pipe(retry(2)),
    );
    const twice = one(
      (call, next) => concat(next(call).pipe(ignoreElements()), next(call)) as Observable<Reply>,
      'twice',
    );
    const it = start([flaky, twice]);
    expect(await it.call('x')).toMatch(/ x$/);
    expect(passes).toBe(2);
    const values: unknown[] = [];
    await it.mesh.call(DEMO, message('oneway', 'x')).forEach((value) => void values.push(value));
    expect(values).toEqual([]);
    expect(it.mesh.status.activeCalls).toBe(0);
  });

  test('that waits for ever is ended by the caller, and what is inside with it', async () => {
    let inside = 0;
    const it = start([
      one(
        () =>
          new Observable(() => {
            inside++;
            return () => inside--;
          }),
      ),
    ]);
    await it.mesh.ready();
    const subscription = it.mesh.call(DEMO, message('request', 'x')).subscribe({ error: () => {} });
    expect(inside).toBe(1);
    subscription.unsubscribe();
    expect(inside).toBe(0);
    const abort = new AbortController();
    const aborted = firstValueFrom(it.mesh.call(DEMO, message('request', 'x'), { signal: abort.signal }));
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(inside).toBe(0);
    expect(it.mesh.status.activeCalls).toBe(0);
  });

  test('closing the mesh ends one that waits for ever', async () => {
    const runtime = new ManualRuntime();
    const it = start([one(() => NEVER)], '', { runtime });
    const stuck = it.call('x');
    await it.mesh.ready();
    const closed = it.mesh.close({ drainMs: 100 });
    runtime.advance(100);
    expect(await stuck).toBe('DRAINING');
    await closed;
  });

  test('an abort from inside cancels the call', async () => {
    const abort = new AbortController();
    const it = start([one((call, next) => next(call).pipe(tap({ subscribe: () => abort.abort() })))]);
    await it.mesh.ready();
    const aborted = firstValueFrom(it.mesh.call(DEMO, message('request', 'x'), { signal: abort.signal }));
    await expect(aborted).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(it.mesh.status.activeCalls).toBe(0);
    await it.mesh.close({ drainMs: 0 });
  });

  test('may put another call in the place of the first', async () => {
    const nobody: CallSink = { reply: () => {}, fail: () => {} };
    const runtime = new ManualRuntime();
    const replaced: Call[] = [];
    const it = start(
      [
        one((call, next) => {
          const other = new Call(message('request', 'other'), call.protocol, call.destination, nobody, call.peer);
          other.set('want', 'v2');
          replaced.push(call, other);
          return next(other);
        }),
      ],
      byVersion + policy('timeout: 3s'),
      { runtime },
    );
    expect(await it.call('x', 500)).toBe(phase === 'routed' ? '10.0.0.1 otherv2' : '10.0.0.2 otherv2');
    expect(codes(it)).toEqual([phase === 'routed' ? 'first ok' : 'second ok']);
    const [call, other] = replaced;
    expect([other!.deadlineAt, other!.startedAt]).toEqual([call!.startedAt + 500, call!.startedAt]);
    expect(it.mesh.status.activeCalls).toBe(0);
    expect(it.mesh.records.failures).toEqual([]);
  });
});

describe('what they see', () => {
  test('before the route, what is set decides the route; after it, the route is known', async () => {
    const order: string[] = [];
    const log = (name: string, phase: 'before-route' | 'routed', want?: string): Interceptor => ({
      name,
      phase,
      intercept: (call, next) => {
        order.push(`+${name}`);
        if (want !== undefined) call.set('want', want);
        return next(call).pipe(tap(() => order.push(`-${name}`)));
      },
    });
    const it = start([log('a', 'routed'), log('b', 'before-route', 'v2'), log('c', 'before-route')], byVersion);
    expect(await it.call('x')).toBe('10.0.0.2 xv2'); // what is set is sent
    expect(order).toEqual(['+b', '+c', '+a', '-a', '-c', '-b']);
    expect(codes(it)).toEqual(['second ok']);
  });

  test('a deadline fails what is inside, and they may still answer', async () => {
    const runtime = new ManualRuntime();
    const it = start(
      [
        {
          name: 'rescue',
          intercept: (call, next) =>
            next(call).pipe(
              catchError((error: Failure) => of(new Reply(message('response', `rescued ${error.code}`)))),
            ),
        },
      ],
      policy('timeout: 100ms'),
      { runtime },
    );
    it.server('10.0.0.1', () => undefined);
    it.server('10.0.0.2', () => undefined);
    const call = it.call('x');
    await it.mesh.ready();
    runtime.advance(100);
    expect(await call).toBe('rescued DEADLINE');
    expect(it.mesh.status.activeCalls).toBe(0);
  });

  test("the caller's async context, on each edge; and the downstream's does not leak from call to call", async () => {
    const store = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const watch = (phase: 'before-route' | 'routed'): Interceptor => ({
      name: `watch ${phase}`,
      phase,
      direction: 'both',
      intercept: (call, next) => {
        seen.push(store.getStore());
        const served = call.peer !== undefined && phase === 'before-route';
        const pass = served
          ? store.run(`served ${call.get('payload')}`, () => timer(1).pipe(switchMap(() => next(call))))
          : next(call);
        return pass.pipe(tap(() => seen.push(store.getStore())));
      },
    });
    const it = start([watch('before-route'), watch('routed')]);
    const call = async (name: string) => {
      const answer = await store.run(name, () => callOnce(it.mesh, name));
      return answer.slice(9);
    };
    expect(await Promise.all(['a', 'b'].map(call))).toEqual(['a', 'b']);
    expect(seen.splice(0).sort()).toEqual(['a', 'a', 'a', 'a', 'b', 'b', 'b', 'b']);

    const handled: (string | undefined)[] = [];
    const listener = await store.run('who listens', () =>
      it.mesh.serve({
        port: 0,
        handler: (request) => {
          handled.push(store.getStore());
          return message('response', payloadOf(request));
        },
      }),
    );
    const client = FrameClient.dial(listener.port);
    expect(await client.call('x')).toBe('x');
    expect(await client.call('y')).toBe('y');
    expect(seen.splice(0)[0]).toBeUndefined();
    expect(handled).toEqual([undefined, undefined]);
    client.stream.destroy();

    const outbound = await store.run('who listens', () => it.mesh.listen({ port: 0, service: 'demo.test:9000' }));
    const other = FrameClient.dial(outbound.port);
    expect(await other.call('z')).toMatch(/ z$/);
    expect(seen.splice(0)[0]).toBeUndefined();
    other.stream.destroy();
  });
});

describe('what is no interceptor is refused when the mesh is made', () => {
  const intercept: Interceptor['intercept'] = (call, next) => next(call);
  const cases: [string, unknown, string][] = [
    ['a function', intercept, 'interceptors[0] must be an object with a name and a method intercept(call, next)'],
    ['nothing', undefined, 'interceptors[0] must be an object with a name and a method intercept(call, next)'],
    ['a phase', { name: 'x', phase: 'after', intercept }, "interceptor 'x': phase is 'after'; it must be"],
    ['a direction', { name: 'x', direction: 'in', intercept }, "interceptor 'x': direction is 'in'; it must be"],
  ];
  test.each(cases)('%s', (_what, value, message) => {
    expect(() => world(demoService, { interceptors: [value as Interceptor] })).toThrow(message);
  });

  test('one that returns no Observable says so, by its name', async () => {
    const it = start([{ name: 'hasty', intercept: (async (call: Call) => call) as never }]);
    await expect(firstValueFrom(it.mesh.call(DEMO, message('request', 'x')))).rejects.toThrow(
      'INTERNAL: interceptor hasty: intercept must return an Observable',
    );
  });
});
