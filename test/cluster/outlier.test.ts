import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FAILURES, Failure, type FailureCode, type Outcome, WRITTEN } from '../../src/call/index.js';
import { OutlierDetector, signOf } from '../../src/cluster/outlier.js';
import type { OutlierRule } from '../../src/rules/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { endpoints, OUTLIER, reply } from './support.js';

const BAD = reply('framework');
const GOOD = reply('ok');

function detector(rule: Partial<OutlierRule> = {}, size = 10) {
  const runtime = new ManualRuntime();
  const log: string[] = [];
  const all = endpoints(Array(size).fill(1));
  const outlier = new OutlierDetector(
    runtime,
    {
      ejected: (endpoint, failures, forMs) => log.push(`out ${all.indexOf(endpoint)} ${failures} ${forMs}`),
      restored: (endpoint) => log.push(`in ${all.indexOf(endpoint)}`),
    },
    { ...OUTLIER, ...rule },
  );
  const see = (outcome: Outcome, index = 0, times = 1) => {
    for (let i = 0; i < times; i++) outlier.observe(all[index]!, outcome, size);
  };
  const out = () => {
    outlier.restoreDue();
    return all.flatMap((endpoint, i) => (endpoint.ejectedUntil === 0 ? [] : [i]));
  };
  return { runtime, outlier, all, see, out, log };
}

describe('what counts', () => {
  test.each([
    ['ok', 'good'],
    ['business', 'good'],
    ['framework', 'bad'],
    ['rejected', 'neither'],
  ] as const)('a reply %s is %s', (status, sign) => {
    expect(signOf(reply(status))).toBe(sign);
  });

  test('a one-way request written says nothing', () => {
    expect(signOf(WRITTEN)).toBe('neither');
  });

  test.each(Object.keys(FAILURES) as FailureCode[])('%s counts if the table blames the endpoint', (code) => {
    expect(signOf(new Failure(code))).toBe(FAILURES[code].blame === 'none' ? 'neither' : 'bad');
    expect(signOf(new Failure(code, { stallMs: 150 }))).toBe('neither');
  });
});

describe('ejection', () => {
  test('comes with the n-th failure in a row; push-back neither counts nor breaks the row', () => {
    const { see, out } = detector();
    see(BAD, 0, 4);
    see(GOOD);
    see(BAD, 0, 4);
    expect(out()).toEqual([]);
    see(reply('rejected'), 0, 10);
    expect(out()).toEqual([]);
    see(BAD);
    expect(out()).toEqual([0]);
  });

  test('at most the percentage, but one always may be', () => {
    const few = detector({}, 3);
    few.see(BAD, 0, 5);
    few.see(BAD, 1, 5);
    expect(few.out()).toEqual([0]);
    const many = detector({}, 20);
    for (const index of [0, 1, 2]) many.see(BAD, index, 5);
    expect(many.out()).toEqual([0, 1]);
  });

  test('what the limit spared starts a new count', () => {
    const { see, out, runtime } = detector();
    see(BAD, 0, 5);
    see(BAD, 1, 9);
    runtime.advance(30_000);
    expect(out()).toEqual([]);
    see(BAD, 1);
    expect(out()).toEqual([1]);
  });

  test('lasts longer each time, up to the maximum, and shorter again after time in service', () => {
    const { see, out, log, runtime } = detector({ maxEjectionMs: 60_000 });
    for (const forMs of [30_000, 60_000, 60_000]) {
      see(BAD, 0, 5);
      expect(log.at(-1)).toBe(`out 0 5 ${forMs}`);
      runtime.advance(forMs);
      expect(out()).toEqual([]);
      expect(log.at(-1)).toBe('in 0');
    }
    runtime.advance(20_000);
    see(BAD, 0, 5);
    expect(log.at(-1)).toBe('out 0 5 60000');
    runtime.advance(60_000 + 100_000);
    see(BAD, 0, 5);
    expect(log.at(-1)).toBe('out 0 5 30000');
  });

  test('ends at a sweep, counted from the making of the detector', () => {
    const { see, out, runtime } = detector();
    runtime.advance(3_000);
    see(BAD, 0, 5);
    runtime.advance(36_999);
    expect(out()).toEqual([0]);
    runtime.advance(1);
    expect(out()).toEqual([]);
  });

  test('ends even if the rule has no interval', () => {
    const { see, out, runtime } = detector({ intervalMs: 0 });
    see(BAD, 0, 5);
    runtime.advance(30_001);
    expect(out()).toEqual([]);
  });
});

test('panic is when fewer are healthy than asked for; 0 is never', () => {
  const { outlier, see } = detector({ maxEjectionPercent: 100, minHealthPercent: 50 }, 4);
  for (const [index, panics] of [false, false, true, true].entries()) {
    see(BAD, index, 5);
    expect(outlier.panics(4)).toBe(panics);
  }
  outlier.rule = { ...outlier.rule, minHealthPercent: 0 };
  expect(outlier.panics(4)).toBe(false);
});

/** Envoy's detector as it runs: a timer sweeps all hosts. Only what is ejected when is kept. */
class Sweeper {
  readonly #hosts: { count: number; backoff: number; since: number | undefined; back: number | undefined }[];

  constructor(
    private readonly rule: OutlierRule,
    size: number,
  ) {
    this.#hosts = Array.from({ length: size }, () => ({ count: 0, backoff: 0, since: undefined, back: undefined }));
  }

  sweep(now: number): void {
    for (const host of this.#hosts) {
      const length = Math.min(this.rule.baseEjectionMs * host.backoff, this.rule.maxEjectionMs);
      if (host.since === undefined || now - host.since < length) continue;
      host.since = undefined;
      host.count = 0;
      host.back = now;
    }
    for (const host of this.#hosts) {
      if (host.since !== undefined || host.back === undefined) continue;
      if (now - host.back >= this.rule.intervalMs && host.backoff > 0) host.backoff--;
    }
  }

  put(index: number, good: boolean, now: number): void {
    const host = this.#hosts[index]!;
    if (good) host.count = 0;
    else if (++host.count === this.rule.consecutiveErrors && host.since === undefined) {
      const out = this.out().length;
      if (out === 0 || (100 * (out + 1)) / this.#hosts.length <= this.rule.maxEjectionPercent) {
        host.since = now;
        if (host.backoff * this.rule.baseEjectionMs < this.rule.maxEjectionMs + this.rule.baseEjectionMs)
          host.backoff++;
      }
      host.count = 0;
    }
  }

  out(): number[] {
    return this.#hosts.flatMap((host, i) => (host.since === undefined ? [] : [i]));
  }
}

test('takes the decisions of a detector that sweeps by a timer', () => {
  const size = 4;
  const rule = fc.record({
    consecutiveErrors: fc.integer({ min: 1, max: 3 }),
    intervalMs: fc.integer({ min: 1, max: 5 }).map((n) => n * 1000),
    baseEjectionMs: fc.integer({ min: 1, max: 20 }).map((n) => n * 500),
    maxEjectionMs: fc.integer({ min: 20, max: 60 }).map((n) => n * 500),
    maxEjectionPercent: fc.constantFrom(10, 50, 75, 100),
    minHealthPercent: fc.constant(0),
  });
  const step = fc.record({
    waitMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 20_000 })),
    index: fc.integer({ min: 0, max: size - 1 }),
    good: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
    times: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(rule, fc.array(step, { maxLength: 60 }), (r, steps) => {
      const ours = detector(r, size);
      const theirs = new Sweeper(r, size);
      const origin = ours.runtime.now();
      let swept = 0;
      for (const { waitMs, index, good, times } of steps) {
        ours.runtime.advance(waitMs);
        const now = ours.runtime.now();
        for (; origin + (swept + 1) * r.intervalMs <= now; swept++) theirs.sweep(origin + (swept + 1) * r.intervalMs);
        expect(ours.out()).toEqual(theirs.out());
        ours.see(good ? GOOD : BAD, index, times);
        for (let i = 0; i < times; i++) theirs.put(index, good, now);
        expect(ours.out()).toEqual(theirs.out());
      }
    }),
    { seed: 21, numRuns: 300 },
  );
});
