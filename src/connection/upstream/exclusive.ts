import type { Attempt } from '../../call/index.js';
import type { WireId } from '../../message/index.js';
import { type Correlation, type Entry, echoes, idAfter, Tombstone } from './correlation.js';

/**
 * One call at a time, as for servers that answer a connection's calls one after the other. That protocols of this kind
 * carry ids does not make their servers concurrent, but it tells a reply that comes twice from the next one.
 */
export class Exclusive implements Correlation {
  readonly ordered = true;
  culprit: Entry | undefined = undefined;
  #next = 1;

  get outstanding(): number {
    return this.culprit === undefined ? 0 : 1;
  }

  get live(): number {
    return this.culprit === undefined || this.culprit instanceof Tombstone ? 0 : 1;
  }

  get nextId(): number {
    return this.#next;
  }

  add(attempt: Attempt): void {
    this.addOneway(attempt);
    this.culprit = attempt;
  }

  addOneway(attempt: Attempt): void {
    attempt.idLow = this.#next;
    this.#next = idAfter(this.#next);
  }

  undo(_attempt: Attempt): void {
    this.culprit = undefined;
  }

  take(reply: WireId): Entry | undefined {
    const entry = this.culprit;
    if (entry === undefined || !echoes(reply, entry)) return undefined;
    this.culprit = undefined;
    return entry;
  }

  bury(attempt: Attempt, now: number): Tombstone | undefined {
    if (this.culprit !== attempt) return undefined;
    const tombstone = new Tombstone(attempt.idLow, attempt.target, now);
    this.culprit = tombstone;
    return tombstone;
  }

  clear(each: (entry: Entry) => void): void {
    const entry = this.culprit;
    this.culprit = undefined;
    if (entry !== undefined) each(entry);
  }
}
