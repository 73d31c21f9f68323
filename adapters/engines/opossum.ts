/**
 * opossum 9 as the circuit breaker: its rolling window and its state machine, without its way of wrapping calls. A call
 * through `fire` costs 1 µs and a failing one 10 to 7,000 µs, so calls never go through it. They ask for the state, which
 * is a field here, and their outcomes are counted; when a bucket of opossum's window is over the counts go into it. Once a
 * turn of the event loop in which calls failed, they do so at once, and one `fire` of a failure lets opossum judge them. So
 * a circuit opens up to a turn late, a failing upstream costs one judgement a turn and not one a call, and one that
 * does not fail costs the event loop nothing.
 *
 * The permit is the epoch: all attempts of a closed period hold the same one, a probe has its own, and an outcome
 * that comes with another than the current one moves nothing.
 *
 * - **Window.** opossum's buckets are turned by us when outcomes come, so an idle breaker has no timer. It judges only
 *   when a call fails. When it closes, the window begins anew: what was before would open it again at the first failure.
 * - **Probe.** One at a time, each `openMs`. If it is not settled after another `openMs`, the next may go.
 * - opossum tells its half-open state by a timer of its own (not the mesh's clock), which does not keep the process alive.
 *
 * docs/policies.md lists opossum's known defects, and opossum.test.ts has a test for each.
 */
import { EventEmitter } from 'node:events';
import CircuitBreaker from 'opossum';
import type { BreakerEngine, BreakerEngineFactory, BreakerState, Permit } from '../../src/policy/index.js';
import type { CircuitBreakerRule } from '../../src/rules/index.js';
import { type Runtime, systemRuntime } from '../../src/runtime/index.js';

const MAX_BUCKETS = 10;
/** Shorter buckets would be turned more often than they are used. */
const MIN_BUCKET_MS = 100;
/** setTimeout takes more for 1 ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** @param clock - the mesh's runtime, where that is not the system's; opossum's own timer cannot be replaced. */
export function opossum(clock: Pick<Runtime, 'now'> = systemRuntime()): BreakerEngineFactory {
  return { create: (rule, onChange = ignore) => new OpossumBreaker(rule, onChange, clock) };
}

class OpossumBreaker implements BreakerEngine {
  state: BreakerState = 'closed';
  /** What counts now: the permit of the closed period, or of the probe under way. */
  private current: Permit | undefined = { probe: false };
  private ok = 0;
  private failed = 0;
  private scheduled = false;
  private ended = false;
  /** When it opened, or when the probe went. */
  private since = 0;
  private readonly rotation = new EventEmitter();
  private readonly buckets: number;
  private readonly bucketMs: number;
  private bucket: number;
  /** In the clock's `now()`. */
  private bucketEndsAt: number;
  private readonly breaker: CircuitBreaker<[], void>;

  constructor(
    private readonly rule: CircuitBreakerRule,
    private readonly onChange: (state: BreakerState) => void,
    private readonly clock: Pick<Runtime, 'now'>,
  ) {
    this.buckets = Math.min(MAX_BUCKETS, Math.max(1, Math.floor(rule.windowMs / MIN_BUCKET_MS)));
    this.bucketMs = rule.windowMs / this.buckets;
    this.bucket = Math.floor(clock.now() / this.bucketMs);
    this.bucketEndsAt = (this.bucket + 1) * this.bucketMs;
    this.breaker = new CircuitBreaker(failing, {
      name: 'meltemi',
      timeout: false,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      rotateBucketController: this.rotation,
      rollingCountBuckets: this.buckets,
      rollingCountTimeout: rule.windowMs,
      volumeThreshold: Math.ceil(rule.minimumCalls),
      // opossum opens above its threshold, the rule at it.
      errorThresholdPercentage: rule.errorPercent - 1e-6,
      resetTimeout: Math.min(rule.openMs, MAX_TIMEOUT_MS),
    });
    this.breaker.on('open', () => this.changed('open', undefined));
    this.breaker.on('halfOpen', () => this.changed('half-open', undefined));
    this.breaker.on('close', () => this.changed('closed', { probe: false }));
  }

  get probeInMs(): number | undefined {
    return this.state === 'open' ? Math.max(0, this.since + this.rule.openMs - this.clock.now()) : undefined;
  }

  admit(): Permit | undefined {
    return this.state === 'closed' ? this.current : this.admitProbe();
  }

  settle(permit: Permit, result: 'ok' | 'failed' | 'ignored', now = this.clock.now()): void {
    if (permit !== this.current || this.ended) return;
    if (permit.probe) {
      this.current = undefined;
      if (result === 'failed') this.judge();
      else if (result === 'ok') this.breaker.close();
      return;
    }
    if (result === 'ignored') return;
    if (now >= this.bucketEndsAt) this.turnBuckets(now);
    if (result === 'ok') {
      this.ok++;
      return;
    }
    this.failed++;
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(this.report);
  }

  close(): void {
    this.ended = true;
    this.breaker.removeAllListeners();
    this.breaker.shutdown();
  }

  private admitProbe(): Permit | undefined {
    if (this.state !== 'half-open') return undefined;
    const now = this.clock.now();
    if (this.current !== undefined && now - this.since < this.rule.openMs) return undefined;
    this.since = now;
    this.current = { probe: true };
    return this.current;
  }

  /** Judges a turn's failures. They are all of this closed period: only this opens the circuit. */
  private readonly report = (): void => {
    this.scheduled = false;
    if (this.ended) return;
    this.fillBucket();
    const bucket = this.breaker.status.window[0]!;
    // The `fire` below counts itself.
    bucket.fires--;
    bucket.failures--;
    this.judge();
  };

  private fillBucket(): void {
    const bucket = this.breaker.status.window[0]!;
    bucket.fires += this.ok + this.failed;
    bucket.successes += this.ok;
    bucket.failures += this.failed;
    this.ok = 0;
    this.failed = 0;
  }

  /** One failure the way opossum knows it: counts it and decides. */
  private judge(): void {
    this.breaker.fire().catch(ignore);
    // opossum keeps the latency of every failure, also with percentiles off.
    this.breaker.status.window[0]!.latencyTimes.length = 0;
  }

  /** What was counted so far is of the bucket that was. */
  private turnBuckets(now: number): void {
    this.fillBucket();
    const bucket = Math.floor(now / this.bucketMs);
    const turns = Math.min(bucket - this.bucket, this.buckets);
    for (let i = 0; i < turns; i++) this.rotation.emit('rotate');
    this.bucket = bucket;
    this.bucketEndsAt = (bucket + 1) * this.bucketMs;
  }

  private changed(state: BreakerState, current: Permit | undefined): void {
    this.state = state;
    this.current = current;
    if (state === 'open') this.since = this.clock.now();
    if (state === 'closed') {
      for (const bucket of this.breaker.status.window) {
        bucket.fires = 0;
        bucket.successes = 0;
        bucket.failures = 0;
      }
    }
    this.onChange(state);
  }
}

const FAILED = new Error('an attempt failed');

/** Throws at once, so that opossum has judged when `fire` returns. */
function failing(): Promise<void> {
  throw FAILED;
}

function ignore(): void {}
