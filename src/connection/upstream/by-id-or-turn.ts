import type { Attempt } from '../../call/index.js';
import type { WireId } from '../../message/index.js';
import { type Correlation, type Entry, echoes, idAfter, Tombstone } from './correlation.js';

/**
 * Many calls at once on the one connection that a client has to a server, of a protocol that says nothing of how its servers
 * share one: such a server is given what its client sent, as the client sent it. One that answers as it is done echoes ids; one
 * that answers in order may say 0 for each. So a reply belongs to the attempt of its id, or, if it has none, to the
 * oldest. A Map keeps the order of insertion, also of an entry that a tombstone has replaced.
 */
export class ByIdOrTurn implements Correlation {
  readonly ordered = true;
  readonly #entries = new Map<number, Entry>();
  #next = 1;
  #tombstones = 0;

  get outstanding(): number {
    return this.#entries.size;
  }

  get live(): number {
    return this.#entries.size - this.#tombstones;
  }

  get nextId(): number {
    return this.#next;
  }

  add(attempt: Attempt): void {
    this.addOneway(attempt);
    this.#entries.set(attempt.idLow, attempt);
  }

  addOneway(attempt: Attempt): void {
    let id = this.#next;
    // 0 is what servers say that have no ids.
    while (id === 0 || this.#entries.has(id)) id = idAfter(id);
    attempt.idLow = id;
    this.#next = idAfter(id);
  }

  undo(attempt: Attempt): void {
    this.#entries.delete(attempt.idLow);
  }

  take(reply: WireId): Entry | undefined {
    const named = this.#entries.get(reply.idLow | 0);
    const entry = named ?? this.culprit;
    if (entry === undefined || !echoes(reply, entry)) return undefined;
    this.#entries.delete(entry.idLow);
    if (entry instanceof Tombstone) this.#tombstones--;
    return entry;
  }

  bury(attempt: Attempt, now: number): Tombstone | undefined {
    if (this.#entries.get(attempt.idLow) !== attempt) return undefined;
    const tombstone = new Tombstone(attempt.idLow, attempt.target, now);
    this.#entries.set(attempt.idLow, tombstone);
    this.#tombstones++;
    return tombstone;
  }

  get culprit(): Entry | undefined {
    return this.#entries.size === 0 ? undefined : this.#entries.values().next().value;
  }

  clear(each: (entry: Entry) => void): void {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    this.#tombstones = 0;
    for (const entry of entries) each(entry);
  }
}
