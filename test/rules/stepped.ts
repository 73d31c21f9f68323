import { type Work, WorkQueue } from '../../src/runtime/index.js';

/** A queue that does nothing by itself: a step is made when a test says so. */
export class SteppedQueue extends WorkQueue {
  readonly #works: Work[] = [];

  constructor() {
    super({ now: () => 0 });
  }

  override get idle(): boolean {
    return this.#works.length === 0;
  }

  override add(work: Work): void {
    this.#works.push(work);
  }

  /** @returns whether anything is left */
  step(): boolean {
    if (this.#works[0]?.next().done) this.#works.shift();
    return !this.idle;
  }

  finish(): void {
    while (this.step());
  }
}
