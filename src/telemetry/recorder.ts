import type { Call, Outcome, Pass } from '../call/index.js';
import type { Runtime } from '../runtime/index.js';
import { type CallRecord, describeCall, isFault, type Shown } from './explain.js';

/** Failures that are kept. */
const FAILURES = 1000;
/** Slow calls that are kept of each span. */
const SLOWEST = 50;
/** The present span and the one before are kept. */
const SPAN_MS = 5 * 60_000;
/** Failures recorded a second: in a storm the rest would say the same, and refusing must stay cheap. */
const FAILURES_A_SECOND = 200;

/**
 * The last 1,000 failures and the slowest calls of the last five to ten minutes, for whoever asks at night. Keeps records
 * of a few hundred bytes and no messages. A call that is neither costs two comparisons.
 */
export class CallRecorder {
  readonly #failures: CallRecord[] = [];
  #oldest = 0;
  #slowest: CallRecord[] = [];
  #slowestBefore: readonly CallRecord[] = [];
  #spanEndsAt: number;
  /** What a call must take to be among the slowest. */
  #slowFromMs = 0;
  #second = 0;
  #thisSecond = 0;
  /** Failures that a storm left unrecorded. */
  skipped = 0;

  constructor(
    private readonly runtime: Runtime,
    private readonly shown: Shown = {},
  ) {
    this.#spanEndsAt = runtime.now() + SPAN_MS;
  }

  /** At `call.now`. */
  ended(call: Call, service: string, pass: Pass | undefined, outcome: Outcome): void {
    const endedAt = call.now;
    const durationMs = endedAt - call.startedAt;
    if (isFault(outcome)) {
      if (this.#admits(endedAt)) this.#keepFailure(this.#describe(call, service, pass, outcome, durationMs));
      else this.skipped++;
      return;
    }
    if (endedAt >= this.#spanEndsAt) this.#turn(endedAt);
    if (durationMs > this.#slowFromMs) this.#keepSlow(this.#describe(call, service, pass, outcome, durationMs));
  }

  /** Newest first. */
  failures(): readonly CallRecord[] {
    const { length } = this.#failures;
    return Array.from({ length }, (_, i) => this.#failures[(this.#oldest + length - 1 - i) % length]!);
  }

  /** Slowest first. Calls that failed are not among them. */
  slowest(): readonly CallRecord[] {
    const now = this.runtime.now();
    if (now >= this.#spanEndsAt) this.#turn(now);
    return [...this.#slowest, ...this.#slowestBefore].sort((a, b) => b.durationMs - a.durationMs);
  }

  #describe(call: Call, service: string, pass: Pass | undefined, outcome: Outcome, durationMs: number): CallRecord {
    const startedAt = this.runtime.wallNow() - durationMs;
    return describeCall({ call, service, pass, outcome, startedAt, durationMs }, this.shown);
  }

  #admits(now: number): boolean {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#thisSecond = 0;
    }
    return this.#thisSecond++ < FAILURES_A_SECOND;
  }

  #keepFailure(record: CallRecord): void {
    if (this.#failures.length < FAILURES) {
      this.#failures.push(record);
      return;
    }
    this.#failures[this.#oldest] = record;
    this.#oldest = (this.#oldest + 1) % FAILURES;
  }

  /** Sorted, fastest first, which is the one to go. */
  #keepSlow(record: CallRecord): void {
    const slowest = this.#slowest;
    let at = slowest.length;
    while (at > 0 && slowest[at - 1]!.durationMs > record.durationMs) at--;
    slowest.splice(at, 0, record);
    if (slowest.length > SLOWEST) slowest.shift();
    if (slowest.length === SLOWEST) this.#slowFromMs = slowest[0]!.durationMs;
  }

  #turn(now: number): void {
    this.#slowestBefore = now - this.#spanEndsAt < SPAN_MS ? this.#slowest : [];
    this.#slowest = [];
    this.#slowFromMs = 0;
    this.#spanEndsAt = now + SPAN_MS;
  }
}
