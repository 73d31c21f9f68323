/**
 * Slots of a cluster and a queue for them, first come, first served. What waits is a linked list, so that a deadline takes
 * its waiter out of the middle at once: nothing is left behind to be skipped later, and the queue's length is the true one.
 *
 * - A freed slot goes to the oldest waiter before anybody new can ask for it.
 * - The limits are the asker's: routes may see the same slots under different limits, and a lower one never holds
 *   up a newcomer whose own has room. They may be changed at any time; a lowered one cuts nothing off.
 * - Who is let in may end at once and free its slot again. That happens inside one loop and not by recursion, or a queue
 *   of a thousand that all fail would overflow the stack.
 */
export interface SlotLimits {
  maxActive: number;
  maxWaiting: number;
}

/** Someone in the queue. `enter` is called when it has a slot. */
export class Waiter {
  previous: Waiter | undefined = undefined;
  next: Waiter | undefined = undefined;

  constructor(
    readonly limits: SlotLimits,
    readonly enter: { resume(): void },
  ) {}
}

/** Slots and the queue for them, in order of arrival. One for each limit; share it to share the limit. */
export class ConcurrencySlots {
  active = 0;
  waiting = 0;
  private oldest: Waiter | undefined = undefined;
  private newest: Waiter | undefined = undefined;
  private letting = false;

  /** Takes a slot. @returns false if the limit is reached. */
  take(limits: SlotLimits): boolean {
    if (this.active >= limits.maxActive) return false;
    this.active++;
    return true;
  }

  /** Gives a slot back. */
  free(): void {
    this.active--;
    if (this.letting) return;
    this.letting = true;
    try {
      while (this.oldest !== undefined && this.active < this.oldest.limits.maxActive) {
        const waiter = this.oldest;
        this.leave(waiter);
        this.active++;
        waiter.enter.resume();
      }
    } finally {
      this.letting = false;
    }
  }

  /**
   * Waits for a slot; `enter.resume()` is told of it.
   * @returns undefined if too many wait already
   */
  wait(limits: SlotLimits, enter: { resume(): void }): Waiter | undefined {
    if (this.waiting >= limits.maxWaiting) return undefined;
    const waiter = new Waiter(limits, enter);
    waiter.previous = this.newest;
    if (this.newest === undefined) this.oldest = waiter;
    else this.newest.next = waiter;
    this.newest = waiter;
    this.waiting++;
    return waiter;
  }

  /** Out of the queue, for who waits no longer. */
  leave(waiter: Waiter): void {
    const { previous, next } = waiter;
    if (previous === undefined) this.oldest = next;
    else previous.next = next;
    if (next === undefined) this.newest = previous;
    else next.previous = previous;
    this.waiting--;
  }
}
