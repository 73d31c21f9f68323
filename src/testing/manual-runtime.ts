import { type Expirable, type Runtime, STALL_FROM_MS, type Timer, type Timers } from '../runtime/index.js';

/** Unix ms at which a {@link ManualRuntime} is made: 2024-01-01T00:00:00Z. */
const EPOCH_MS = 1_704_067_200_000;
/** `now()` starts here and not at 0, which some fields use for "never". */
const ORIGIN_MS = 1000;

/**
 * A {@link Runtime} whose time stands still until told to go on, and whose chance is the same for the same seed. Timers
 * expire inside {@link advance}, in the order they fall due (as armed, if at once), each at its own due time.
 */
export class ManualRuntime implements Runtime {
  readonly timers: Timers = {
    arm: (delayMs, owner) => this.#arm(this.#now + delayMs, owner),
    armAt: (dueAt, owner) => this.#arm(dueAt, owner),
  };
  readonly random: () => number;
  #now = ORIGIN_MS;
  readonly #pending = new Set<ManualTimer>();

  /** @param seed - of `random()`; equal seeds draw equal numbers. */
  constructor(seed = 1) {
    this.random = sfc32(seed);
  }

  now(): number {
    return this.#now;
  }

  wallNow(): number {
    return EPOCH_MS + this.#now - ORIGIN_MS;
  }

  /** Timers armed, and neither expired nor cancelled. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Of them, those that would keep a process alive. */
  get referenced(): number {
    let count = 0;
    for (const timer of this.#pending) if (timer.referenced) count++;
    return count;
  }

  /** When the next timer falls due; Infinity if none is armed. */
  get nextDueAt(): number {
    return this.#earliest()?.dueAt ?? Number.POSITIVE_INFINITY;
  }

  /** Lets `ms` pass. What falls due expires, timers that are armed meanwhile included. */
  advance(ms: number): void {
    const end = this.#now + ms;
    while (this.#expireNext(end));
    this.#now = Math.max(this.#now, end);
  }

  /** {@link advance} that lets promises, ticks and I/O callbacks run before, between and after expiries. */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#now + ms;
    do await nextTurn();
    while (this.#expireNext(end));
    this.#now = Math.max(this.#now, end);
  }

  /**
   * The event loop hangs for `ms`: time passes and nothing expires. What a test does next happens in the poll phase that
   * follows; then `advance(0)` expires what is overdue and not cancelled, with its `lateMs`.
   */
  stall(ms: number): void {
    this.#now += ms;
  }

  #arm(dueAt: number, owner: Expirable): Timer {
    const timer = new ManualTimer(dueAt, owner, this.#pending);
    this.#pending.add(timer);
    return timer;
  }

  #expireNext(end: number): boolean {
    const timer = this.#earliest();
    if (timer === undefined || timer.dueAt > end) return false;
    const lateMs = this.#now - timer.dueAt;
    if (lateMs >= STALL_FROM_MS) timer.lateMs = lateMs;
    this.#now = Math.max(this.#now, timer.dueAt);
    timer.cancel();
    timer.owner.expired(timer);
    return true;
  }

  #earliest(): ManualTimer | undefined {
    let earliest: ManualTimer | undefined;
    for (const timer of this.#pending) {
      if (earliest === undefined || timer.dueAt < earliest.dueAt) earliest = timer;
    }
    return earliest;
  }
}

class ManualTimer implements Timer {
  lateMs = 0;
  referenced = false;

  constructor(
    readonly dueAt: number,
    readonly owner: Expirable,
    readonly pending: Set<ManualTimer>,
  ) {}

  cancel(): void {
    this.pending.delete(this);
  }

  ref(): void {
    this.referenced = true;
  }
}

/** The next turn of the real event loop: the one thing here that is not manual. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Chris Doty-Humphrey's Small Fast Counting generator: 128 bits of state, passes PractRand. */
function sfc32(seed: number): () => number {
  let a = seed | 0;
  let b = 0x9e3779b9 | 0;
  let c = 0x243f6a88 | 0;
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return (sum >>> 0) / 0x1_0000_0000;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}
