/**
 * Long work in slices, so that sockets get their turn: a push of rules may cost a hundred times what the event loop may
 * be kept from them. Work is a generator that yields wherever it may be interrupted, after some tens of µs at most.
 *
 * - **In order.** One piece of work to its end, then the next.
 * - **At once if it is small.** Work that is added while nothing waits begins there and then, so that the usual change of a
 *   few rules is over when `add` returns. {@link AT_ONCE} steps are made whatever the clock says: a process whose code is
 *   not compiled yet takes ten times as long for them, and must not behave otherwise for that.
 * - **What it waits for.** Work that yields a promise goes on when that is settled; what was added after it waits as well.
 * - **One slice a turn** of the event loop, however many pieces of work are added in it.
 * - What is left goes on after the next poll phase (`setImmediate`), and holds the process until it is done.
 */
import { AsyncResource } from 'node:async_hooks';
import { setImmediate } from 'node:timers';
import type { Runtime } from './runtime.js';

/** Work that may be interrupted at each `yield`; what it makes in the end. Of a promise that it yields it learns nothing. */
export type Work<T = void> = Generator<undefined | Promise<unknown>, T, void>;

/** Half of the 5 ms that a slice may take: a long step, or a collection of garbage, comes on top. */
const SLICE_MS = 2.5;
/** 1 to 2 ms of work where the code is hot. */
const AT_ONCE = 100;

/** Whoever adds work has its AsyncLocalStorage stores retained by nothing here. */
const ROOT = new AsyncResource('meltemi.work-queue');

export class WorkQueue {
  readonly #waiting: Work[] = [];
  /** When the slice of this turn ends; undefined: none was begun. */
  #until: number | undefined = undefined;
  /** Steps that need not ask the clock. */
  #atOnce = AT_ONCE;
  #nextTurn: NodeJS.Immediate | undefined = undefined;
  /** Does the first wait for a promise? */
  #held = false;
  #closed = false;

  /**
   * @param runtime - whose clock is asked after each step
   * @param failed - told of what work throws, which ends that piece of it. @defaultValue throws it on
   */
  constructor(
    private readonly runtime: Pick<Runtime, 'now'>,
    private readonly failed: (thrown: unknown) => void = rethrow,
  ) {}

  /** Is everything done that was added? */
  get idle(): boolean {
    return this.#waiting.length === 0;
  }

  add(work: Work): void {
    if (this.#closed) return;
    this.#waiting.push(work);
    if (this.#waiting.length === 1) this.#slice();
  }

  /** What waits is given up where it stands. */
  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
  }

  #slice(): void {
    this.#until ??= this.runtime.now() + SLICE_MS;
    this.#nextTurn ??= ROOT.runInAsyncScope(setImmediate, undefined, this.#turned) as NodeJS.Immediate;
    try {
      while (this.#ready && this.#hasTime(this.#until)) this.#step(this.#waiting[0]!);
    } finally {
      if (!this.#ready) this.#nextTurn.unref();
      else this.#nextTurn.ref();
    }
  }

  get #ready(): boolean {
    return !this.idle && !this.#held;
  }

  #hasTime(until: number): boolean {
    return this.#atOnce-- > 0 || this.runtime.now() < until;
  }

  #step(work: Work): void {
    let done: boolean | undefined = true;
    try {
      const step = work.next();
      done = step.done;
      if (!step.done && step.value !== undefined) this.#hold(step.value);
    } catch (thrown) {
      this.failed(thrown);
    } finally {
      if (done && !this.#closed) this.#waiting.shift();
    }
  }

  #hold(until: Promise<unknown>): void {
    this.#held = true;
    const go = () => {
      this.#held = false;
      if (this.#ready) this.#slice();
    };
    until.then(go, go);
  }

  readonly #turned = (): void => {
    this.#nextTurn = undefined;
    this.#until = undefined;
    this.#atOnce = this.idle ? AT_ONCE : 1;
    if (this.#ready) this.#slice();
  };
}

function rethrow(thrown: unknown): never {
  throw thrown;
}

/** Does the work here and now, uninterrupted and without what it would wait for. @returns what it makes */
export function finish<T>(work: Work<T>): T {
  let step = work.next();
  while (!step.done) step = work.next();
  return step.value;
}
