import type { Attempt } from '../../call/index.js';
import type { WireId } from '../../message/index.js';
import { type Correlation, type Entry, echoes, idAfter, Tombstone } from './correlation.js';

/**
 * Many calls at once, replies in order: a queue. An id tells the place in it, so that burying needs no search. A reply
 * that carries another id than the one whose turn it is shows that the order is lost.
 */
export class Pipelined implements Correlation {
  readonly ordered = true;
  #entries: Entry[] = [];
  #first = 0;
  #next = 1;
  #tombstones = 0;

  get outstanding(): number {
    return this.#entries.length - this.#first;
  }

  get live(): number {
    return this.outstanding - this.#tombstones;
  }

  get nextId(): number {
    return this.#next;
  }

  add(attempt: Attempt): void {
    attempt.idLow = this.#next;
    this.#next = idAfter(this.#next);
    this.#entries.push(attempt);
  }

  /** Takes no place in the order: an id of 0, so that those of the others have no gaps. */
  addOneway(attempt: Attempt): void {
    attempt.idLow = 0;
  }

  undo(attempt: Attempt): void {
    this.#entries.pop();
    this.#next = attempt.idLow;
  }

  take(reply: WireId): Entry | undefined {
    const entry = this.culprit;
    if (entry === undefined || !echoes(reply, entry)) return undefined;
    if (entry instanceof Tombstone) this.#tombstones--;
    this.#entries[this.#first] = undefined as never;
    this.#first++;
    if (this.#first === this.#entries.length) {
      this.#entries.length = 0;
      this.#first = 0;
    } else if (this.#first >= 256) {
      this.#entries.splice(0, this.#first);
      this.#first = 0;
    }
    return entry;
  }

  bury(attempt: Attempt, now: number): Tombstone | undefined {
    const head = this.culprit;
    if (head === undefined) return undefined;
    const at = this.#first + ((attempt.idLow - head.idLow) & 0x7fffffff);
    if (this.#entries[at] !== attempt) return undefined;
    const tombstone = new Tombstone(attempt.idLow, attempt.target, now);
    this.#entries[at] = tombstone;
    this.#tombstones++;
    return tombstone;
  }

  /** The oldest: whatever comes is in answer to it. */
  get culprit(): Entry | undefined {
    return this.#entries[this.#first];
  }

  clear(each: (entry: Entry) => void): void {
    const entries = this.#entries;
    const first = this.#first;
    this.#entries = [];
    this.#first = 0;
    this.#tombstones = 0;
    for (let i = first; i < entries.length; i++) each(entries[i]!);
  }
}
