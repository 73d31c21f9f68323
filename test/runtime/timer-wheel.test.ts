import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import net from 'node:net';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { STALL_FROM_MS, type Timer } from '../../src/runtime/index.js';
import { TICK_MS, TimerWheel } from '../../src/runtime/timer-wheel.js';

/** Node's event loop by hand: `turn` wakes the wheel if its timeout is due, polls, then runs immediates. */
class Loop {
  time = 12_345.678;
  referenced = false;
  wakes = 0;
  timeout: { at: number; wake: () => void } | undefined;
  readonly #immediates: (() => void)[] = [];
  readonly wheel = new TimerWheel({
    now: () => this.time,
    setTimeout: (wake, delayMs) => {
      this.timeout = { at: this.time + delayMs, wake };
      this.referenced = true;
      return {
        ref: () => {
          this.referenced = true;
        },
        unref: () => {
          this.referenced = false;
        },
      };
    },
    clearTimeout: () => {
      this.timeout = undefined;
    },
    setImmediate: (expire) => this.#immediates.push(expire),
  });

  turn(poll?: () => void): void {
    const { timeout } = this;
    if (timeout !== undefined && timeout.at <= this.time) {
      this.timeout = undefined;
      this.wakes++;
      timeout.wake();
    }
    poll?.();
    for (const immediate of this.#immediates.splice(0)) immediate();
  }

  /** Turn after turn, as the native timeout asks for it, for `ms`. */
  run(ms: number): void {
    const end = this.time + ms;
    while (this.timeout !== undefined && this.timeout.at <= end) {
      this.time = Math.max(this.time, this.timeout.at);
      this.turn();
    }
    this.time = end;
    this.turn();
  }
}

const quiet = { expired: () => {} };

describe('timer wheel', () => {
  test('against a naive model: each timer expires once, never early, at most a tick and a millisecond late', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ arm: fc.double({ min: -5, max: 20_000, noNaN: true }) }) },
      { weight: 4, arbitrary: fc.record({ arm: fc.double({ min: 0, max: 300, noNaN: true }) }) },
      { weight: 3, arbitrary: fc.record({ cancel: fc.nat() }) },
      { weight: 4, arbitrary: fc.record({ run: fc.double({ min: 0, max: 6000, noNaN: true }) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const loop = new Loop();
        const live = new Map<Timer, { dueAt: number }>();
        const all: Timer[] = [];
        const owner = {
          expired(timer: Timer) {
            const model = live.get(timer);
            expect(model).toBeDefined();
            expect(loop.time).toBeGreaterThanOrEqual(model!.dueAt);
            expect(loop.time - model!.dueAt).toBeLessThanOrEqual(TICK_MS + 1.001);
            expect(timer.lateMs).toBe(0);
            live.delete(timer);
          },
        };
        for (const step of steps) {
          if ('arm' in step) {
            const timer = loop.wheel.arm(step.arm, owner);
            live.set(timer, { dueAt: Math.max(loop.time, timer.dueAt) });
            all.push(timer);
          } else if ('cancel' in step) {
            const timer = all[step.cancel % Math.max(1, all.length)];
            timer?.cancel();
            if (timer !== undefined) live.delete(timer);
          } else {
            loop.run(step.run);
            for (const { dueAt } of live.values()) expect(dueAt).toBeGreaterThan(loop.time - TICK_MS - 1.001);
          }
          expect(loop.wheel.pending).toBe(live.size);
        }
        loop.run(30_000);
        expect(live.size).toBe(0);
        expect(loop.wheel.pending).toBe(0);
        expect(loop.timeout).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test('wakes for what is due and not for what was cancelled', () => {
    const loop = new Loop();
    for (let i = 0; i < 1000; i++) {
      loop.wheel.arm(1000, quiet).cancel();
      loop.run(1);
    }
    loop.wheel.arm(60_000, quiet);
    loop.run(70_000);
    // One for the first timer of each burst, and one a round for the long one.
    expect(loop.wakes).toBeLessThan(25);
    expect(loop.wheel.pending).toBe(0);
  });

  test('after a stall what was answered in the poll phase does not expire, the rest knows how late it is', () => {
    const loop = new Loop();
    const late: number[] = [];
    const owner = { expired: (timer: Timer) => late.push(timer.lateMs) };
    const timers = Array.from({ length: 1000 }, () => loop.wheel.arm(100, owner));
    loop.time += 250;
    loop.turn(() => {
      for (const timer of timers.slice(1)) timer.cancel();
    });
    expect(late).toHaveLength(1);
    expect(Math.abs(late[0]! - 150)).toBeLessThanOrEqual(TICK_MS);
    expect(late[0]).toBeGreaterThan(STALL_FROM_MS);
    expect(loop.wheel.pending).toBe(0);
  });

  test('an owner may cancel and arm within its expiry; one that throws does not rob the others of theirs', () => {
    const loop = new Loop();
    const seen: string[] = [];
    loop.wheel.arm(10, {
      expired: () => {
        seen.push('first');
        second.cancel();
        loop.wheel.arm(0, { expired: () => seen.push('again') });
        throw new Error('owner failed');
      },
    });
    const second = loop.wheel.arm(10, { expired: () => seen.push('second') });
    loop.wheel.arm(10, { expired: () => seen.push('third') });
    loop.time += 20;
    expect(() => loop.turn()).toThrow('owner failed');
    loop.run(20);
    expect(seen).toEqual(['first', 'third', 'again']);
  });

  test('a deadline that is no number is due at once; an endless one never', () => {
    const loop = new Loop();
    const seen: string[] = [];
    loop.wheel.arm(Number.NaN, { expired: () => seen.push('NaN') });
    const endless = loop.wheel.armAt(Number.POSITIVE_INFINITY, { expired: () => seen.push('Infinity') });
    loop.run(20_000);
    expect(seen).toEqual(['NaN']);
    expect(loop.wheel.pending).toBe(1);
    endless.cancel();
    expect(loop.wheel.pending).toBe(0);
  });

  test('only timers that asked for it keep the process alive', () => {
    const loop = new Loop();
    loop.wheel.arm(1000, quiet);
    expect(loop.referenced).toBe(false);
    const a = loop.wheel.arm(500, quiet);
    const b = loop.wheel.arm(2000, quiet);
    a.ref();
    a.ref();
    b.ref();
    expect(loop.referenced).toBe(true);
    loop.run(600);
    expect(loop.referenced).toBe(true);
    b.cancel();
    b.ref();
    expect(loop.referenced).toBe(false);
  });
});

describe('timer wheel in a real event loop', () => {
  test('1,000 calls with 100 ms deadlines, answered after 20 ms during a stall of 150 ms, all get their answers', async () => {
    // The peer answers from a thread of its own, so that our stall is not its stall.
    const peer = new Worker(
      `const net = require('node:net');
       const server = net.createServer((s) => s.on('data', (d) => setTimeout(() => s.write(d), 20)).on('error', () => {}));
       server.listen(0, '127.0.0.1', () => require('node:worker_threads').parentPort.postMessage(server.address().port));`,
      { eval: true },
    );
    const [port] = (await once(peer, 'message')) as [number];
    const sockets = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = net.connect(port, '127.0.0.1');
        await once(socket, 'connect');
        return socket;
      }),
    );
    const wheel = new TimerWheel();
    let expired = 0;
    let answered = 0;
    const done = new Promise<void>((resolve) => {
      const settle = () => {
        if (expired + answered === 1000) resolve();
      };
      for (const socket of sockets) {
        const timers = Array.from({ length: 50 }, () =>
          wheel.arm(100, {
            expired: () => {
              expired++;
              settle();
            },
          }),
        );
        let read = 0;
        socket.on('data', (chunk) => {
          for (const end = read + chunk.length; read < end; read++) {
            timers[read]!.cancel();
            answered++;
          }
          settle();
        });
        socket.write(Buffer.alloc(50));
      }
    });
    // Once the requests are on the wire.
    setImmediate(() => {
      const until = performance.now() + 150;
      while (performance.now() < until);
    });
    await done;
    for (const socket of sockets) socket.destroy();
    await peer.terminate();
    expect({ answered, expired }).toEqual({ answered: 1000, expired: 0 });
  });

  test('real timers are never early', async () => {
    const wheel = new TimerWheel();
    const early: number[] = [];
    await Promise.all(
      Array.from(
        { length: 60 },
        (_, i) =>
          new Promise<void>((resolve) => {
            wheel.arm(i * 1.3, {
              expired: (timer) => {
                if (performance.now() < timer.dueAt) early.push(i);
                resolve();
              },
            });
          }),
      ),
    );
    expect(early).toEqual([]);
  });

  test("no caller's async store is seen by owners", async () => {
    const storage = new AsyncLocalStorage<string>();
    const wheel = new TimerWheel();
    const store = await new Promise<string | undefined>((resolve) => {
      storage.run('of a caller', () => wheel.arm(5, { expired: () => resolve(storage.getStore()) }));
    });
    expect(store).toBeUndefined();
  });
});
