import { type Attempt, Failure, type Outcome } from '../../call/index.js';
import type { Message, WireId } from '../../message/index.js';
import { type Correlation, type Entry, idBefore, Tombstone } from './correlation.js';

/** What became of a reply: given to its attempt, swallowed since nobody waits for it any more, or nobody's. */
export type Delivery = 'delivered' | 'late' | 'unknown';

/**
 * The attempts of one connection, from {@link add} on: each is settled exactly once, and its target released exactly once,
 * whatever comes: a reply, a reply too late, the loss of the connection. Targets are released before attempts are
 * told, so that whatever they do next finds the count right.
 */
export class Ledger {
  readonly #tombstones: Tombstone[] = [];
  /** Ids from here on are not flushed yet. */
  #flushedUpTo: number;

  constructor(private readonly calls: Correlation) {
    this.#flushedUpTo = calls.nextId;
  }

  /** Replies still to come. */
  get outstanding(): number {
    return this.calls.outstanding;
  }

  /** Of them, those that somebody waits for. */
  get live(): number {
    return this.calls.live;
  }

  /** Must every reply belong to somebody? */
  get ordered(): boolean {
    return this.calls.ordered;
  }

  /** Gives the attempt its id; a one-way one is not remembered. */
  add(attempt: Attempt, oneway: boolean): void {
    if (oneway) this.calls.addOneway(attempt);
    else this.calls.add(attempt);
  }

  /** The last one added was not sent after all. */
  undo(attempt: Attempt): void {
    this.calls.undo(attempt);
  }

  /** All that was added so far may have reached the peer. */
  flushed(): void {
    this.#flushedUpTo = this.calls.nextId;
  }

  deliver(reply: Message): Delivery {
    const entry = this.calls.take(reply);
    if (entry === undefined) return 'unknown';
    entry.target?.release();
    if (entry instanceof Tombstone) {
      entry.passed = true;
      return 'late';
    }
    entry.sent = 'yes';
    entry.replied(reply);
    return 'delivered';
  }

  /** Nobody waits for it any more. False if it is not here. */
  bury(attempt: Attempt, now: number): boolean {
    const tombstone = this.calls.bury(attempt, now);
    if (tombstone === undefined) return false;
    this.#tombstones.push(tombstone);
    return true;
  }

  /** Whose stream it is that has this id; undefined if none has that anybody waits for. */
  streamOf(id: WireId): Attempt | undefined {
    const entry = this.calls.find?.(id);
    if (entry === undefined || entry instanceof Tombstone || entry.request.kind !== 'stream-open') return undefined;
    return entry;
  }

  /** The attempt's stream has ended by what was sent: nothing is owed for it. */
  end(attempt: Attempt): void {
    this.calls.take(attempt);
    attempt.target?.release();
  }

  /** Since when the oldest reply is owed that nobody waits for; Infinity if none is. */
  get oldestTombstone(): number {
    const tombstones = this.#tombstones;
    let passed = 0;
    while (passed < tombstones.length && tombstones[passed]!.passed) passed++;
    if (passed > 0) tombstones.splice(0, passed);
    return tombstones[0]?.since ?? Number.POSITIVE_INFINITY;
  }

  /** The connection is gone, for the reason of `failure`: all that are left are told what it means for them. */
  lose(failure: Failure): void {
    const culprit = failure.code === 'BAD_REPLY' ? this.calls.culprit : undefined;
    let collateral: Failure | undefined;
    let unsent: Failure | undefined;
    this.calls.clear((entry: Entry) => {
      entry.target?.release();
      if (entry instanceof Tombstone) return;
      if (!idBefore(entry.idLow, this.#flushedUpTo)) {
        entry.sent = 'no';
        unsent ??= derived('CONNECTION_LOST', failure, 'no');
        entry.lost(unsent);
      } else if (failure.code === 'BAD_REPLY' && entry !== culprit) {
        collateral ??= derived('COLLATERAL', failure, 'maybe');
        entry.lost(collateral);
      } else {
        entry.lost(failure);
      }
    });
  }
}

/** Did it end by a time limit? */
export function timedOut(outcome: Outcome): boolean {
  return outcome instanceof Failure && (outcome.code === 'ATTEMPT_TIMEOUT' || outcome.code === 'DEADLINE');
}

function derived(code: 'CONNECTION_LOST' | 'COLLATERAL', failure: Failure, sent: 'no' | 'maybe'): Failure {
  return new Failure(code, { reason: failure.message, sent, cause: failure.cause });
}
