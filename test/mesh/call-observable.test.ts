import { describe, expect, test } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import type { Failure, Interceptor } from '../../src/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { callOnce, DEMO, demoService, message, policy, world } from './support.js';

describe('a call', () => {
  test('that is aborted while it begins is cancelled', async () => {
    const abort = new AbortController();
    const aborts: Interceptor = {
      name: 'aborts',
      intercept(call, next) {
        abort.abort();
        return next(call);
      },
    };
    const { mesh, server } = world(demoService, { interceptors: [aborts] });
    server('10.0.0.1', () => undefined);
    server('10.0.0.2', () => undefined);
    await mesh.ready();
    const failure = await firstValueFrom(mesh.call(DEMO, message('request', 'x'), { signal: abort.signal })).catch(
      (error: unknown) => error as Failure,
    );
    expect(failure).toMatchObject({ code: 'CANCELLED' });
    expect(mesh.status.activeCalls).toBe(0);
    await mesh.close({ drainMs: 0 });
  });

  test('whose timeout is no number is refused at once', async () => {
    const { mesh } = world(demoService);
    for (const timeoutMs of [Number.NaN, -1]) {
      expect(() => mesh.call(DEMO, message('request', 'x'), { timeoutMs })).toThrow(`timeoutMs is ${timeoutMs}`);
    }
    await mesh.close();
  });

  test('keeps to the timeout of its caller while it waits for the first rules', async () => {
    const runtime = new ManualRuntime();
    const { mesh } = world(undefined, { runtime });
    const early = callOnce(mesh, 'x', 50);
    runtime.advance(50);
    expect(await early).toBe('DEADLINE');
    await mesh.close({ drainMs: 0 });
  });

  test('keeps to the timeout of its caller in mode observe, not to that of the rules', async () => {
    const runtime = new ManualRuntime();
    const { mesh, server } = world(demoService + policy('timeout: 10ms'), { runtime, mode: 'observe' });
    server('10.0.0.1', () => undefined);
    server('10.0.0.2', () => undefined);
    await mesh.ready();
    const slow = callOnce(mesh, 'x', 50);
    runtime.advance(20);
    expect(mesh.status.activeCalls).toBe(1);
    runtime.advance(30);
    expect(await slow).toBe('DEADLINE');
    await mesh.close({ drainMs: 0 });
  });
});
