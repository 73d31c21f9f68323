import { describe, expect, test } from '@jest/globals';
import { count, HOSTS, meanwhile, QUIET, quiet, scene, turn } from './scene.js';
import { policy } from './support.js';

describe('timeouts and retries', () => {
  test('a timeout ends the call; the late reply reaches nobody and frees the place', async () => {
    const { call, mesh, runtime, backend } = await scene(policy('timeout: 100ms'));
    const slow = call();
    const arrived = await backend.next();
    runtime.advance(99);
    expect(mesh.status.activeCalls).toBe(1);
    runtime.advance(1);
    expect(await slow).toBe('DEADLINE');
    expect(quiet(mesh)).toEqual({ ...QUIET, inflight: 1 });
    arrived.reply();
    await turn();
    expect(quiet(mesh)).toEqual(QUIET);
    expect(count(mesh, 'requests_total', { outcome: 'DEADLINE' })).toBe(1);
  });

  const patient = 'timeout: 1s, attemptTimeout: 100ms';
  const retry = (more: string) => `retry: { attempts: 2, backoff: { base: 10ms, max: 10ms }, ${more} }`;

  test('an attempt that is not answered in time is retried elsewhere', async () => {
    const { call, mesh, runtime, backend } = await scene(policy(`${patient}, ${retry('idempotent: true')}`));
    const answer = call();
    const first = await backend.next();
    runtime.advance(100);
    runtime.advance(10);
    const second = await backend.next();
    expect(new Set([first.host, second.host])).toEqual(new Set(HOSTS));
    second.reply();
    expect(await answer).toBe(`${second.host} hello`);
    first.reply();
    await turn();
    expect(quiet(mesh)).toEqual(QUIET);
    expect(count(mesh, 'requests_total', { outcome: 'ok' })).toBe(1);
    expect(count(mesh, 'upstream_rq_total', { outcome: 'ATTEMPT_TIMEOUT' })).toBe(1);
    expect(count(mesh, 'upstream_rq_retry_success')).toBe(1);
    expect(count(mesh, 'request_retries_total')).toBe(1);
  });

  test('an operation that may not run twice is not', async () => {
    const { call, runtime, backend } = await scene(policy(`${patient}, ${retry('idempotent: [other]')}`));
    const answer = call();
    await backend.next();
    runtime.advance(100);
    expect(await answer).toBe('ATTEMPT_TIMEOUT');
    expect(backend.waiting).toBe(0);
  });

  test('retries end with the deadline, the pause between them included', async () => {
    const { call, mesh, runtime, backend } = await scene(
      policy(
        'timeout: 250ms, attemptTimeout: 100ms, retry: { attempts: 9, backoff: { base: 1ms, max: 1ms }, idempotent: true }',
      ),
    );
    const answer = call();
    for (let i = 0; i < 3; i++) {
      await backend.next();
      runtime.advance(i < 2 ? 101 : 50);
    }
    expect(await answer).toBe('DEADLINE');
    expect(backend.waiting).toBe(0);
    expect(runtime.now() - 1000).toBeLessThanOrEqual(252);
    expect(mesh.status.activeCalls).toBe(0);
  });

  test("the budget is the cluster's: when it is spent, calls fail at their first attempt", async () => {
    const budget = 'idempotent: true, budget: { percent: 0, minPerSecond: 0.2, ttl: 10s }';
    const { call, runtime, backend, mesh } = await scene(policy(`${patient}, ${retry(budget)}`));
    const arrivals: number[] = [];
    for (let i = 0; i < 4; i++) {
      const answer = call(`call ${i}`);
      const before = backend.all.length;
      await backend.next();
      for (let step = 0; step < 4; step++) {
        runtime.advance(110);
        await turn();
      }
      expect(await answer).toBe('ATTEMPT_TIMEOUT');
      arrivals.push(backend.all.length - before);
      while (backend.waiting > 0) await backend.next();
    }
    expect(arrivals).toEqual([3, 1, 1, 1]);
    expect(count(mesh, 'request_retries_total')).toBe(2);
    for (const arrived of backend.all) arrived.reply();
    await turn();
    expect(quiet(mesh)).toEqual(QUIET);
  });

  test('a connection that is lost is retried; an endpoint that refuses is passed over at no cost', async () => {
    const { call, mesh, network, runtime, server } = await scene(policy(retry('idempotent: true')));
    server('10.0.0.2');
    let hangUps = 0;
    const unlisten = network.listen({ host: '10.0.0.1', port: 9000 }, (socket) => {
      socket
        .on('error', () => {})
        .once('data', () => {
          hangUps++;
          socket.destroy();
        });
    });
    for (let i = 0; i < 4; i++) expect(await meanwhile(runtime, call())).toBe('10.0.0.2 hello');
    expect(hangUps).toBeGreaterThan(0);
    expect(count(mesh, 'request_retries_total')).toBe(hangUps);
    unlisten();
    runtime.advance(60_000);
    for (let i = 0; i < 4; i++) expect(await meanwhile(runtime, call())).toBe('10.0.0.2 hello');
    expect(count(mesh, 'request_retries_total')).toBe(hangUps);
    expect(quiet(mesh)).toEqual(QUIET);
  });
});
