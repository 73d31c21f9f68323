import type { Attempt } from '../../call/index.js';
import type { WireId } from '../../message/index.js';
import { type Correlation, type Entry, idAfter, Tombstone } from './correlation.js';

const INITIAL_SLOTS = 16;

/**
 * Many calls at once, replies in any order: a ring of a power of two of slots (6 ns a call where a Map takes 64). An id is
 * its slot in the low bits and the slot's generation in the rest, since ids are counted up and skip slots that are still
 * taken. A late or repeated reply has an older generation, or finds its slot empty. The ring doubles when half full,
 * so that skips stay short; ids that differ modulo its size differ modulo twice its size too.
 */
export class Multiplexed implements Correlation {
  readonly ordered = false;
  outstanding = 0;
  #slots: (Entry | undefined)[] = new Array(INITIAL_SLOTS).fill(undefined);
  #mask = INITIAL_SLOTS - 1;
  #next = 1;
  #tombstones = 0;

  get nextId(): number {
    return this.#next;
  }

  get live(): number {
    return this.outstanding - this.#tombstones;
  }

  add(attempt: Attempt): void {
    if (this.outstanding * 2 > this.#mask) this.#grow();
    let id = this.#next;
    while (this.#slots[id & this.#mask] !== undefined) id = idAfter(id);
    this.#next = idAfter(id);
    this.#slots[id & this.#mask] = attempt;
    this.outstanding++;
    attempt.idLow = id;
  }

  addOneway(attempt: Attempt): void {
    attempt.idLow = this.#next;
    this.#next = idAfter(this.#next);
  }

  undo(attempt: Attempt): void {
    this.#remove(attempt.idLow);
  }

  find({ idLow, idHigh }: WireId): Entry | undefined {
    const id = idLow | 0;
    const entry = this.#slots[id & this.#mask];
    return entry === undefined || entry.idLow !== id || idHigh !== 0 ? undefined : entry;
  }

  take(reply: WireId): Entry | undefined {
    const entry = this.find(reply);
    if (entry === undefined) return undefined;
    if (entry instanceof Tombstone) this.#tombstones--;
    this.#remove(entry.idLow);
    return entry;
  }

  bury(attempt: Attempt, now: number): Tombstone | undefined {
    const slot = attempt.idLow & this.#mask;
    if (this.#slots[slot] !== attempt) return undefined;
    const tombstone = new Tombstone(attempt.idLow, attempt.target, now);
    this.#slots[slot] = tombstone;
    this.#tombstones++;
    return tombstone;
  }

  /** Only if it is the only one: bytes that cannot be read carry no id that could be trusted. */
  get culprit(): Entry | undefined {
    return this.outstanding === 1 ? this.#slots.find((entry) => entry !== undefined) : undefined;
  }

  clear(each: (entry: Entry) => void): void {
    const slots = this.#slots;
    this.#slots = new Array(INITIAL_SLOTS).fill(undefined);
    this.#mask = INITIAL_SLOTS - 1;
    this.outstanding = 0;
    this.#tombstones = 0;
    for (const entry of slots) if (entry !== undefined) each(entry);
  }

  #remove(id: number): void {
    this.#slots[id & this.#mask] = undefined;
    this.outstanding--;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Array(old.length * 2).fill(undefined);
    this.#mask = this.#slots.length - 1;
    for (const entry of old) if (entry !== undefined) this.#slots[entry.idLow & this.#mask] = entry;
  }
}
