import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, jest, test } from '@jest/globals';
import { defer, EMPTY, firstValueFrom, NEVER, Observable, of, Subject, take, throwError } from 'rxjs';
import { Failure, type FailureCode, Reply, type Sent } from '../src/call/index.js';
import {
  attemptTimeout,
  ConcurrencySlots,
  circuitBreaker,
  concurrency,
  fallback,
  mirror,
  pace,
  RetryBudget,
  rateLimit,
  retry,
  TokenBucket,
  timeout,
} from '../src/operators.js';
import type { BreakerEngine, PacingEngine } from '../src/policy/index.js';
import { ManualRuntime } from '../src/testing/index.js';

/** Everything that a subscriber is told, as words. */
function watch<T>(source: Observable<T>) {
  const log: string[] = [];
  const subscription = source.subscribe({
    next: (value) => log.push(String(value)),
    error: (error) => log.push(error instanceof Failure ? error.code : `error ${error.message}`),
    complete: () => log.push('complete'),
  });
  return { log, subscription };
}

/** A source that counts who is subscribed. */
function counted<T>(inner: Observable<T>) {
  const count = { subscribed: 0, active: 0 };
  const source = new Observable<T>((subscriber) => {
    count.subscribed++;
    count.active++;
    subscriber.add(() => count.active--);
    inner.subscribe(subscriber);
  });
  return { source, count };
}

const failure = (code: FailureCode, sent: Sent = 'no') => throwError(() => new Failure(code, { sent }));
const broken = throwError(() => new Error('broken'));

describe('timeout', () => {
  test('fails what is not complete in time, and lets go of it', () => {
    const runtime = new ManualRuntime();
    const { source, count } = counted(NEVER);
    const { log } = watch(source.pipe(timeout(100, { runtime })));
    runtime.advance(99);
    expect(log).toEqual([]);
    runtime.advance(1);
    expect(log).toEqual(['DEADLINE']);
    expect(count.active).toBe(0);
  });

  test('values do not extend it, and pass', () => {
    const runtime = new ManualRuntime();
    const values = new Subject<number>();
    const { log } = watch(values.pipe(timeout(100, { runtime })));
    runtime.advance(60);
    values.next(1);
    runtime.advance(60);
    expect(log).toEqual(['1', 'DEADLINE']);
  });

  test.each([
    ['completes', of(1)],
    ['fails', broken],
    ['is left by its subscriber', NEVER],
  ])('leaves no timer behind where the source %s', (_how, source: Observable<unknown>) => {
    const runtime = new ManualRuntime();
    const { subscription } = watch(source.pipe(timeout(100, { runtime })));
    subscription.unsubscribe();
    expect(runtime.pending).toBe(0);
  });

  test('attemptTimeout says so, for retry', () => {
    const runtime = new ManualRuntime();
    const { source, count } = counted(NEVER);
    const { log } = watch(
      source.pipe(attemptTimeout(100, { runtime }), retry({ attempts: 1, idempotent: true, runtime })),
    );
    runtime.advance(1000);
    expect(log).toEqual(['ATTEMPT_TIMEOUT']);
    expect(count).toEqual({ subscribed: 2, active: 0 });
  });

  test('an expiry after a stall of the event loop says so', () => {
    const runtime = new ManualRuntime();
    const error = jest.fn<(error: Failure) => void>();
    NEVER.pipe(timeout(100, { runtime })).subscribe({ error });
    runtime.stall(300);
    runtime.advance(0);
    expect(error.mock.calls[0]![0]).toMatchObject({ code: 'DEADLINE', sent: 'maybe', stallMs: 200 });
  });
});

describe('retry', () => {
  /** Fails so often, then answers. */
  function flaky(failures: number, error: Observable<never>) {
    let left = failures;
    return counted(defer(() => (left-- > 0 ? error : of('fine'))));
  }

  test('subscribes again after pauses, until it goes well', () => {
    const runtime = new ManualRuntime();
    const { source, count } = flaky(2, failure('CONNECT_FAILED'));
    const { log } = watch(source.pipe(retry({ runtime })));
    expect(count.subscribed).toBe(1);
    expect(runtime.referenced).toBe(1);
    runtime.advance(25);
    expect(count.subscribed).toBe(2);
    runtime.advance(50);
    expect(log).toEqual(['fine', 'complete']);
    expect(count).toEqual({ subscribed: 3, active: 0 });
  });

  test('no oftener than it may, and passes the last error on', () => {
    const runtime = new ManualRuntime();
    const { source, count } = flaky(9, failure('CONNECT_FAILED'));
    const { log } = watch(source.pipe(retry({ attempts: 3, runtime })));
    runtime.advance(10_000);
    expect(log).toEqual(['CONNECT_FAILED']);
    expect(count.subscribed).toBe(4);
  });

  test.each<[string, Observable<never>, boolean, boolean]>([
    ['nothing was sent', failure('CONNECTION_LOST', 'no'), true, true],
    ['it may have run', failure('CONNECTION_LOST', 'maybe'), false, true],
    ['the circuit is open', failure('CIRCUIT_OPEN'), false, false],
    ['the deadline has passed', failure('DEADLINE', 'maybe'), false, false],
    ['the error is foreign', broken, false, true],
  ])('where %s', (_why, error, byDefault, ifIdempotent) => {
    for (const idempotent of [false, true]) {
      const runtime = new ManualRuntime();
      const { source, count } = flaky(1, error);
      watch(source.pipe(retry({ idempotent, runtime })));
      runtime.advance(1000);
      expect(count.subscribed > 1).toBe(idempotent ? ifIdempotent : byDefault);
    }
  });

  test('as `when` decides, if it is given', () => {
    const runtime = new ManualRuntime();
    const { source, count } = flaky(1, broken);
    watch(source.pipe(retry({ when: (error) => (error as Error).message === 'broken', runtime })));
    runtime.advance(1000);
    expect(count.subscribed).toBe(2);
  });

  test('never once a value was passed on', () => {
    const runtime = new ManualRuntime();
    const source = new Observable<number>((subscriber) => {
      subscriber.next(1);
      subscriber.error(new Failure('CONNECTION_LOST'));
    });
    const { log } = watch(source.pipe(retry({ idempotent: true, runtime })));
    runtime.advance(1000);
    expect(log).toEqual(['1', 'CONNECTION_LOST']);
  });

  test('within a budget that pipelines share and subscriptions fill', () => {
    const runtime = new ManualRuntime();
    const budget = new RetryBudget({ percent: 50, minPerSecond: 0, ttlMs: 10_000 }, runtime.now());
    const { source, count } = flaky(99, failure('CONNECT_FAILED'));
    const piped = source.pipe(retry({ attempts: 5, budget, runtime }));
    for (let i = 0; i < 4; i++) {
      watch(piped);
      runtime.advance(1000);
    }
    expect(count.subscribed).toBe(4 + 2);
  });

  test('unsubscribing during the pause ends it', () => {
    const runtime = new ManualRuntime();
    const { source, count } = flaky(9, failure('CONNECT_FAILED'));
    const { log, subscription } = watch(source.pipe(retry({ runtime })));
    subscription.unsubscribe();
    expect(runtime.pending).toBe(0);
    runtime.advance(1000);
    expect([log, count.subscribed]).toEqual([[], 1]);
  });
});

describe('rateLimit', () => {
  test('each subscription takes a token, all share the bucket, and it fills with time', () => {
    const runtime = new ManualRuntime();
    const { source, count } = counted(of('fine'));
    const piped = source.pipe(rateLimit({ maxTokens: 1, tokensPerFill: 1, fillIntervalMs: 1000 }, { runtime }));
    expect([watch(piped).log, watch(piped).log]).toEqual([['fine', 'complete'], ['RATE_LIMITED']]);
    expect(count.subscribed).toBe(1);
    runtime.advance(1000);
    expect(watch(piped).log).toEqual(['fine', 'complete']);
  });

  test('a bucket may be shared by several pipelines', () => {
    const runtime = new ManualRuntime();
    const bucket = new TokenBucket({ maxTokens: 1, tokensPerFill: 1, fillIntervalMs: 1000 }, runtime.now());
    expect(watch(of(1).pipe(rateLimit(bucket, { runtime }))).log).toEqual(['1', 'complete']);
    expect(watch(of(2).pipe(rateLimit(bucket, { runtime }))).log).toEqual(['RATE_LIMITED']);
  });
});

describe('concurrency', () => {
  test('no more than the limit are subscribed; the rest waits in order or is refused', () => {
    const subjects = [0, 1, 2, 3].map(() => new Subject<number>());
    const slots = new ConcurrencySlots();
    const watched = subjects.map((it) => watch(it.pipe(concurrency({ maxActive: 1, maxWaiting: 2, slots }))));
    expect(subjects.map((it) => it.observed)).toEqual([true, false, false, false]);
    expect(watched[3]!.log).toEqual(['OVERFLOW']);
    subjects[0]!.complete();
    expect(subjects.map((it) => it.observed)).toEqual([false, true, false, false]);
    subjects[1]!.error(new Error('broken'));
    subjects[2]!.next(7);
    subjects[2]!.complete();
    expect(watched[2]!.log).toEqual(['7', 'complete']);
    expect([slots.active, slots.waiting]).toEqual([0, 0]);
  });

  test('unsubscribing frees the slot, or the place in the queue', () => {
    const slots = new ConcurrencySlots();
    const limited = NEVER.pipe(concurrency({ maxActive: 1, maxWaiting: 2, slots }));
    const [first, second] = [watch(limited), watch(limited), watch(limited)];
    second!.subscription.unsubscribe();
    expect([slots.active, slots.waiting]).toEqual([1, 1]);
    first!.subscription.unsubscribe();
    expect([slots.active, slots.waiting]).toEqual([1, 0]);
  });

  test('a source that ends at once frees its slot', () => {
    const slots = new ConcurrencySlots();
    const limited = of(1, 2, 3).pipe(concurrency({ maxActive: 1, slots }));
    expect(watch(limited.pipe(take(1))).log).toEqual(['1', 'complete']);
    expect(watch(limited).log).toEqual(['1', '2', '3', 'complete']);
    expect(watch(throwError(() => new Error('broken')).pipe(concurrency({ maxActive: 1, slots }))).log).toEqual([
      'error broken',
    ]);
    expect(slots.active).toBe(0);
  });

  test('the slot is free only when the source is torn down', () => {
    const slots = new ConcurrencySlots();
    const during: number[] = [];
    const source = new Observable<never>(() => () => during.push(slots.active));
    watch(source.pipe(concurrency({ maxActive: 1, slots }))).subscription.unsubscribe();
    expect([during, slots.active]).toEqual([[1], 0]);
  });

  test('who waits goes on in its own async context', () => {
    const store = new AsyncLocalStorage<string>();
    const first = new Subject<never>();
    const slots = new ConcurrencySlots();
    const limit = { maxActive: 1, maxWaiting: 1, slots };
    const seen: (string | undefined)[] = [];
    store.run('first', () => watch(first.pipe(concurrency(limit))));
    store.run('second', () => watch(defer(() => of(seen.push(store.getStore()))).pipe(concurrency(limit))));
    store.run('whoever ends it', () => first.complete());
    expect(seen).toEqual(['second']);
  });
});

/** An engine that says what it is told, and can be opened. */
function fakeBreaker() {
  const settled: string[] = [];
  const engine = {
    permit: { probe: false } as { probe: boolean } | undefined,
    admit: () => engine.permit,
    settle: (_permit: unknown, result: string) => settled.push(result),
    state: 'closed' as const,
    probeInMs: undefined as number | undefined,
    close() {},
  };
  return { engine: engine as typeof engine & BreakerEngine, settled };
}

describe('circuitBreaker', () => {
  test.each<[string, Observable<unknown>, string[]]>([
    ['a value', of(1), ['ok']],
    ['nothing', EMPTY, ['ok']],
    ['a foreign error', broken, ['failed']],
    ['a failure of the upstream', failure('CONNECTION_LOST', 'yes'), ['failed']],
    ['a refusal of ours', failure('OVERFLOW'), ['ignored']],
    ['an error of the framework', of(new Reply(undefined, 'framework')), ['failed']],
    ['a rejection', of(new Reply(undefined, 'rejected')), ['ignored']],
    ['an exception of the business', of(new Reply(undefined, 'business')), ['ok']],
  ])('is told once of %s', (_what, source, expected) => {
    const { engine, settled } = fakeBreaker();
    watch(source.pipe(circuitBreaker(engine)));
    expect(settled).toEqual(expected);
  });

  test('unsubscribing before an answer says nothing, after one it does', async () => {
    const { engine, settled } = fakeBreaker();
    const { subscription } = watch(NEVER.pipe(circuitBreaker(engine)));
    subscription.unsubscribe();
    const values = new Subject<number>();
    const first = firstValueFrom(values.pipe(circuitBreaker(engine)));
    values.next(1);
    await first;
    expect(settled).toEqual(['ignored', 'ok']);
  });

  test('refuses while it is open, without subscribing', () => {
    const { engine, settled } = fakeBreaker();
    const { source, count } = counted(of(1));
    engine.permit = undefined;
    engine.probeInMs = 20;
    const error = jest.fn<(error: Failure) => void>();
    source.pipe(circuitBreaker(engine, { name: 'quotes' })).subscribe({ error });
    expect(error.mock.calls[0]![0].message).toBe(
      'CIRCUIT_OPEN: too many calls of quotes failed, the next probe may go in 20 ms',
    );
    expect([settled, count.subscribed]).toEqual([[], 0]);
  });

  test('errors count as the caller says', () => {
    const { engine, settled } = fakeBreaker();
    watch(broken.pipe(circuitBreaker(engine, { resultOf: () => 'ignored' })));
    expect(settled).toEqual(['ignored']);
  });
});

describe('fallback', () => {
  test.each<[string, Observable<never>, string[]]>([
    ['an open circuit', failure('CIRCUIT_OPEN'), ['stale', 'complete']],
    ['a timeout', failure('DEADLINE', 'maybe'), ['stale', 'complete']],
    ['a refusal by authorization', failure('DENIED'), ['DENIED']],
    ['a foreign error', broken, ['error broken']],
  ])('by default, of %s', (_what, source, expected) => {
    expect(watch(source.pipe(fallback(() => of('stale')))).log).toEqual(expected);
  });

  test('answers what it is told to, by code or by a function', () => {
    expect(watch(failure('DENIED').pipe(fallback(() => ['x'], { on: ['DENIED'] }))).log).toEqual(['x', 'complete']);
    expect(watch(broken.pipe(fallback(() => ['x'], { on: () => true }))).log).toEqual(['x', 'complete']);
  });

  test('does not mix two answers', () => {
    const half = new Observable<number>((subscriber) => {
      subscriber.next(1);
      subscriber.error(new Failure('DEADLINE'));
    });
    expect(watch(half.pipe(fallback(() => of(2)))).log).toEqual(['1', 'DEADLINE']);
  });

  test('what it throws is the error', () => {
    const other = () => {
      throw new Error('none left');
    };
    expect(watch(failure('DEADLINE').pipe(fallback(other))).log).toEqual(['error none left']);
  });
});

describe('pace', () => {
  function fakeEngine(size = 9) {
    const queue: (() => void)[] = [];
    const engine: PacingEngine = {
      enter(go) {
        if (queue.length >= size) return null;
        queue.push(go);
        return () => {
          if (queue.includes(go)) queue.splice(queue.indexOf(go), 1);
        };
      },
      get queued() {
        return queue.length;
      },
      close() {},
    };
    return { engine, queue };
  }

  test('subscribes when it is its turn, in its own async context', () => {
    const { engine, queue } = fakeEngine();
    const store = new AsyncLocalStorage<string>();
    const { source, count } = counted(defer(() => of(store.getStore())));
    const { log } = store.run('waits', () => watch(source.pipe(pace(engine))));
    expect(count.subscribed).toBe(0);
    queue.shift()!();
    expect(log).toEqual(['waits', 'complete']);
  });

  test('refuses where too many wait, and who leaves makes room', () => {
    const { engine, queue } = fakeEngine(1);
    const { subscription } = watch(of(1).pipe(pace(engine)));
    expect(watch(of(2).pipe(pace(engine))).log).toEqual(['PACING_OVERFLOW']);
    subscription.unsubscribe();
    expect(queue.length).toBe(0);
  });

  test('unsubscribing after the turn ends the source', () => {
    const { engine, queue } = fakeEngine();
    const { source, count } = counted(NEVER);
    const { subscription } = watch(source.pipe(pace(engine)));
    queue.shift()!();
    expect(count.active).toBe(1);
    subscription.unsubscribe();
    expect(count.active).toBe(0);
  });
});

describe('mirror', () => {
  test('starts the copy too, and neither its values nor its errors are felt', () => {
    for (const inner of [
      of('copy'),
      broken,
      defer(() => {
        throw new Error('at once');
      }),
    ] as Observable<unknown>[]) {
      const { source, count } = counted(inner);
      expect(watch(of(1).pipe(mirror(() => source))).log).toEqual(['1', 'complete']);
      expect(count).toEqual({ subscribed: 1, active: 0 });
    }
  });

  test('a copy that cannot even be made is not felt', () => {
    const copy = () => {
      throw new Error('no copy');
    };
    expect(watch(of(1).pipe(mirror(copy))).log).toEqual(['1', 'complete']);
  });

  test('only a share, if so asked', () => {
    const { source, count } = counted(of(1));
    const piped = of(1).pipe(mirror(() => source, { perMillion: 100_000, runtime: new ManualRuntime() }));
    for (let i = 0; i < 10_000; i++) piped.subscribe();
    // Four standard deviations of the binomial; the manual runtime's chance is seeded.
    expect(Math.abs(count.subscribed - 1000)).toBeLessThan(120);
  });

  test('the copy does not end with its original', () => {
    const { source, count } = counted(NEVER);
    watch(NEVER.pipe(mirror(() => source))).subscription.unsubscribe();
    expect(count.active).toBe(1);
  });
});

test('all together, written from the inside out, leave nothing behind', () => {
  const runtime = new ManualRuntime();
  const { engine, settled } = fakeBreaker();
  const slots = new ConcurrencySlots();
  const { source, count } = counted(NEVER);
  const { log } = watch(
    source.pipe(
      attemptTimeout(50, { runtime }),
      concurrency({ maxActive: 1, slots }),
      circuitBreaker(engine),
      retry({ attempts: 1, idempotent: true, runtime }),
      rateLimit({ maxTokens: 1, tokensPerFill: 1, fillIntervalMs: 1000 }, { runtime }),
      fallback(() => of('stale')),
      timeout(500, { runtime }),
    ),
  );
  runtime.advance(500);
  expect(log).toEqual(['stale', 'complete']);
  expect(settled).toEqual(['failed', 'failed']);
  expect([count.subscribed, count.active, slots.active, runtime.pending]).toEqual([2, 0, 0, 0]);
});
