/**
 * bottleneck 2.19 as the pacing engine. It keeps the time and nothing else: the queue is ours, and bottleneck gets one job at
 * a time, "the next turn", whose moment it finds by `minTime`. So a call that leaves takes no turn with it, the queue has
 * our bound, and bottleneck's own never holds more than one.
 *
 * A turn costs a few zero timers inside bottleneck, about 5 ms and more than 2 ms of CPU, which is why it is for
 * low rates only: at most {@link MAX_RATE} a second. Calls go later than their exact turn by timer lateness, never
 * in a burst: what was late is not made up for. If everybody who waited has left, their turn is spent on nobody.
 *
 * docs/policies.md lists bottleneck's known defects, and bottleneck.test.ts has a test for each.
 */
import { AsyncResource } from 'node:async_hooks';
import Bottleneck from 'bottleneck/light.js';
import type { PacingEngine, PacingEngineFactory } from '../../src/policy/index.js';
import type { PacingRule } from '../../src/rules/index.js';

/** Requests a second, at most: at 420 to 450 bottleneck collapses, and its 5 ms a turn must fit well into each interval. */
export const MAX_RATE = 100;
/** bottleneck's timers belong to nobody's call: without this they would keep a caller's AsyncLocalStorage store. */
const ROOT = new AsyncResource('meltemi.pacing');

/**
 * Pacing by bottleneck, for at most {@link MAX_RATE} calls a second. Each engine that it creates is closed by its
 * user.
 */
export const bottleneck: PacingEngineFactory = {
  create(rule) {
    const { ratePerSecond, maxQueued } = rule;
    if (!(ratePerSecond > 0 && ratePerSecond <= MAX_RATE)) {
      throw new RangeError(`pacing: ratePerSecond is ${ratePerSecond}, must be above 0 and at most ${MAX_RATE}`);
    }
    if (!(maxQueued >= 1)) {
      throw new RangeError(
        `pacing: maxQueued is ${maxQueued}, must be at least 1, since every call waits for its turn`,
      );
    }
    return new BottleneckPacing(rule);
  },
};

class BottleneckPacing implements PacingEngine {
  /** In order of arrival. */
  private readonly queue = new Set<{ readonly go: () => void }>();
  private readonly limiter: Bottleneck;
  private readonly maxQueued: number;
  private turnAsked = false;
  private closed = false;

  constructor({ ratePerSecond, maxQueued }: PacingRule) {
    this.limiter = new Bottleneck({ minTime: 1000 / ratePerSecond });
    this.maxQueued = maxQueued;
  }

  get queued(): number {
    return this.queue.size;
  }

  enter(go: () => void): (() => void) | null {
    if (this.queue.size >= this.maxQueued) return null;
    const entry = { go };
    this.queue.add(entry);
    this.askTurn();
    return () => {
      this.queue.delete(entry);
    };
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.queue.clear();
    this.limiter.stop({ dropWaitingJobs: true }).catch(ignore);
  }

  private askTurn(): void {
    if (this.turnAsked || this.closed || this.queue.size === 0) return;
    this.turnAsked = true;
    ROOT.runInAsyncScope(() => {
      // Rejected when the limiter is stopped. Should it ever fail otherwise, nobody may wait for ever.
      this.limiter.schedule(this.turn).catch(() => {
        this.turnAsked = false;
        this.askTurn();
      });
    });
  }

  private readonly turn = async (): Promise<void> => {
    this.turnAsked = false;
    for (const next of this.queue) {
      this.queue.delete(next);
      this.askTurn();
      next.go();
      return;
    }
  };
}

function ignore(): void {}
