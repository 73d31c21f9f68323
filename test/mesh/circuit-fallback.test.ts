import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { opossum } from '../../adapters/engines/opossum.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { count, HOSTS, QUIET, quiet, scene, toV1, turn, V1, V2 } from './scene.js';
import { DEMO, demoService, message, policy } from './support.js';

describe('the circuit', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  test('opens when too many attempts fail, lets a probe through, and closes when that succeeds', async () => {
    // opossum tells its half-open state by a timer of its own.
    jest.useFakeTimers({
      doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate'],
    });
    const told: string[] = [];
    const listener = (event: unknown) => told.push((event as { state: string }).state);
    subscribe('meltemi:circuit:change', listener);
    const runtime = new ManualRuntime();
    const breaker = 'circuitBreaker: { errorPercent: 50, minimumCalls: 4, window: 10s, openTime: 5s }';
    const { call, mesh, source, backend } = await scene(toV1 + policy(`attemptTimeout: 10ms, ${breaker}`), {
      runtime,
      engines: { breaker: opossum(runtime) },
    });
    const circuit = () => mesh.status.clusters.find((it) => it.name === V1)?.circuit;
    const fail = async () => {
      const failing = call();
      const arrived = await backend.next();
      runtime.advance(10);
      expect(await failing).toBe('ATTEMPT_TIMEOUT');
      arrived.reply(); // late: else the connection were given up as silent
      await turn();
    };
    for (let i = 0; i < 4; i++) await fail();
    expect(circuit()).toBe('open');
    expect(await call()).toBe('CIRCUIT_OPEN');
    expect(backend.waiting).toBe(0);

    const wait = () => {
      runtime.advance(5000);
      jest.advanceTimersByTime(5000);
    };
    wait();
    expect(circuit()).toBe('half-open');
    await fail();
    expect(circuit()).toBe('open');
    wait();
    const probe = call();
    expect(await call()).toBe('CIRCUIT_OPEN'); // one probe at a time
    (await backend.next()).reply();
    expect(await probe).toBe('10.0.0.1 hello');
    expect(circuit()).toBe('closed');
    expect(told).toEqual(['open', 'half-open', 'open', 'half-open', 'closed']);
    unsubscribe('meltemi:circuit:change', listener);

    for (let i = 0; i < 4; i++) await fail();
    expect(circuit()).toBe('open');
    source.set(demoService + toV1 + policy(`attemptTimeout: 20ms, ${breaker}`)); // another policy, the same breaker
    expect(circuit()).toBe('open');
    source.set(demoService + toV1 + policy('circuitBreaker: { errorPercent: 90, minimumCalls: 4 }'));
    expect(circuit()).toBe('closed');
    source.set(demoService + toV1);
    expect(circuit()).toBeUndefined();
    for (const arrived of backend.all) arrived.reply();
    await turn();
    expect(quiet(mesh)).toEqual(QUIET);
  });
});

describe('a fallback', () => {
  const toV2 = (more: string) => toV1 + policy(`fallback: { destination: { host: demo.test, subset: v2 } }, ${more}`);

  test('answers from another cluster with what time is left', async () => {
    const { call, mesh, runtime, backend } = await scene(toV2('timeout: 100ms, attemptTimeout: 60ms'));
    const answered = call();
    const [first] = [await backend.next()];
    runtime.advance(60);
    const second = await backend.next();
    expect([first.host, second.host]).toEqual(HOSTS);
    second.reply();
    expect(await answered).toBe('10.0.0.2 hello');

    const late = call();
    await backend.next();
    runtime.advance(60);
    await backend.next();
    runtime.advance(40);
    expect(await late).toBe('DEADLINE');
    for (const arrived of backend.all) arrived.reply();
    await turn();
    expect(quiet(mesh)).toEqual(QUIET);
    expect(count(mesh, 'requests_total')).toBe(2);
  });

  test('ends with its call', async () => {
    const { mesh, runtime, backend } = await scene(toV2('attemptTimeout: 60ms'));
    const call = mesh.call(DEMO, message('request', 'x')).subscribe();
    await backend.next();
    runtime.advance(60);
    await backend.next();
    expect(quiet(mesh)).toMatchObject({ calls: 1, attempts: 1 });
    call.unsubscribe();
    expect(quiet(mesh)).toMatchObject({ calls: 0, attempts: 0 });
    expect(count(mesh, 'upstream_rq_total', { cluster: V2, outcome: 'CANCELLED' })).toBe(1);
  });

  test('is compiled once, whatever the number of calls', async () => {
    const { call, mesh, runtime, backend, server } = await scene(toV2('attemptTimeout: 60ms'));
    server('10.0.0.2');
    for (let i = 0; i < 20; i++) {
      const answer = call(`${i}`);
      const arrived = await backend.next();
      runtime.advance(60);
      expect(await answer).toBe(`10.0.0.2 ${i}`);
      arrived.reply();
      await turn();
    }
    expect(mesh.status.clusters.map((it) => it.name).sort()).toEqual([V1, V2]);
  });
});
