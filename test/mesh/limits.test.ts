import { describe, expect, test } from '@jest/globals';
import type { PacingEngineFactory } from '../../src/policy/index.js';
import { close, count, HOSTS, QUIET, quiet, scene, toV1, turn } from './scene.js';
import { demoService, policy } from './support.js';

describe('limits', () => {
  test('over the limit calls wait, over the queue they are refused, and who waits too long leaves', async () => {
    const limits = 'concurrency: { maxRequests: 1, maxPendingRequests: 1 }';
    const { call, mesh, runtime, backend } = await scene(policy(limits));
    const first = call('first');
    const arrived = await backend.next();
    const second = call('second', 50);
    expect(await call('third')).toBe('OVERFLOW');
    runtime.advance(50);
    expect(await second).toBe('DEADLINE');
    const fourth = call('fourth');
    await turn();
    expect(backend.waiting).toBe(0);
    arrived.reply('a');
    expect(await first).toBe('a');
    (await backend.next()).reply('d');
    expect(await fourth).toBe('d');
    expect(backend.all.map((it) => it.payload)).toEqual(['first', 'fourth']);
    expect(count(mesh, 'upstream_rq_refused', { role: 'concurrency' })).toBe(1);
    expect(quiet(mesh)).toEqual(QUIET);
  });

  test('a queue of a thousand that all end at once is emptied without a deep stack', async () => {
    const limits = 'concurrency: { maxRequests: 1, maxPendingRequests: 1000 }, timeout: 100ms';
    const { call, mesh, runtime, backend } = await scene(policy(limits));
    const calls = Array.from({ length: 1001 }, (_, i) => call(`${i}`));
    await backend.next();
    runtime.advance(100);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['DEADLINE']));
    expect(quiet(mesh)).toMatchObject({ calls: 0, attempts: 0 });
  });

  test('a push of rules keeps slots and queue: what waits goes on when there is room', async () => {
    const limits = (n: number) => policy(`concurrency: { maxRequests: ${n}, maxPendingRequests: 9 }`);
    const { call, source, backend } = await scene(limits(1));
    const calls = ['a', 'b', 'c'].map((it) => call(it));
    const first = await backend.next();
    source.set(demoService + toV1 + limits(2));
    const fourth = call('d');
    await turn();
    expect(backend.waiting).toBe(1); // the new limit has room for one of another cluster
    first.reply();
    for (let i = 0; i < 3; i++) (await backend.next()).reply();
    expect((await Promise.all([...calls, fourth])).map((it) => it.slice(-1))).toEqual(['a', 'b', 'c', 'd']);
  });

  test('an outbound rate limit refuses what is over it, at once', async () => {
    const bucket = 'rateLimit: { tokenBucket: { maxTokens: 2, tokensPerFill: 2, fillInterval: 1s } }';
    const { call, runtime, server, mesh } = await scene(policy(bucket));
    for (const host of HOSTS) server(host);
    const outcomes = async () => (await Promise.all(['a', 'b', 'c'].map((it) => call(it)))).map((it) => it.slice(-1));
    expect(await outcomes()).toEqual(['a', 'b', 'D']);
    runtime.advance(999);
    expect(await call()).toBe('RATE_LIMITED');
    runtime.advance(1);
    expect(await outcomes()).toEqual(['a', 'b', 'D']);
    expect(count(mesh, 'requests_refused_total', { role: 'rate-limit' })).toBe(3);
  });
});

describe('one of several workers', () => {
  const workers = { count: 2, index: 0 };

  test('has its share of an outbound rate limit, and gains its part of each fill', async () => {
    const bucket = 'rateLimit: { tokenBucket: { maxTokens: 3, tokensPerFill: 1, fillInterval: 1s } }';
    const { call, runtime, server, mesh } = await scene(policy(bucket), { workers });
    for (const host of HOSTS) server(host);
    const granted = async () => {
      const outcomes = await Promise.all(['a', 'b', 'c'].map((it) => call(it)));
      return outcomes.filter((it) => it !== 'RATE_LIMITED').length;
    };
    const each: number[] = [await granted()];
    for (let second = 1; second <= 4; second++) {
      runtime.advance(1000);
      each.push(await granted());
    }
    expect(each).toEqual([2, 0, 1, 0, 1]);
    expect(mesh.plan({ host: 'demo.test', port: 9000 })[0]!.shares).toEqual(['maxTokens 2 of 3: one of 2 workers']);
  });

  test('has its share of what may be under way', async () => {
    const limits = 'concurrency: { maxRequests: 3, maxPendingRequests: 1 }';
    const { call, backend, mesh } = await scene(policy(limits), { workers });
    const calls = ['a', 'b', 'c', 'd'].map((it) => call(it));
    expect(await calls[3]).toBe('OVERFLOW');
    for (let i = 0; i < 2; i++) await backend.next();
    await turn();
    expect(backend.waiting).toBe(0);
    for (const { reply } of backend.all) reply('done');
    (await backend.next()).reply('done');
    expect(await Promise.all(calls.slice(0, 3))).toEqual(['done', 'done', 'done']);
    expect(mesh.plan({ host: 'demo.test', port: 9000 })[0]!.shares).toEqual([
      'maxRequests 2 of 3: one of 2 workers',
      'maxPendingRequests 1 of 1: one of 2 workers',
    ]);
  });
});

describe('pacing', () => {
  /** Turns are given by the test. */
  class Turns implements PacingEngineFactory {
    readonly queue = new Set<() => void>();
    closed = 0;

    create() {
      const { queue } = this;
      return {
        enter: (go: () => void) => {
          if (queue.size === 2) return null;
          queue.add(go);
          return () => void queue.delete(go);
        },
        get queued() {
          return queue.size;
        },
        close: () => void this.closed++,
      };
    }

    next(): void {
      for (const go of this.queue) {
        this.queue.delete(go);
        go();
        return;
      }
    }
  }

  test('calls go in their turn; who leaves gives his place up, who is too many is refused', async () => {
    const turns = new Turns();
    const { call, mesh, runtime, backend } = await scene(policy('pacing: { ratePerSecond: 10 }'), {
      engines: { pacing: turns },
    });
    const [a, b] = [call('a'), call('b', 300)];
    expect(await call('c')).toBe('PACING_OVERFLOW');
    runtime.advance(300);
    expect(await b).toBe('DEADLINE');
    const d = call('d');
    expect(backend.all).toEqual([]);
    turns.next();
    (await backend.next()).reply();
    turns.next();
    (await backend.next()).reply();
    expect([await a, await d].map((it) => it.slice(-1))).toEqual(['a', 'd']);
    expect(await call('e', 0)).toBe('DEADLINE');
    expect(quiet(mesh)).toEqual(QUIET);
    const waits = call('f');
    await close(mesh, runtime);
    expect(await waits).toBe('DRAINING');
    expect(turns.closed).toBe(1);
    expect(turns.queue.size).toBe(0);
  });
});
