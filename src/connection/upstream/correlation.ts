import type { Attempt, AttemptTarget } from '../../call/index.js';
import type { WireId } from '../../message/index.js';

/**
 * Which attempt is a reply for? One implementation a way of sharing a connection. All of them give each attempt an id of
 * their own, counted up from 1 in 31 bits, so that it is the same number however a protocol reads its id's sign. A
 * caller's own ids are no use here: two callers have the same ones, and so has a caller that counts anew.
 */
export interface Correlation {
  /** How many replies are still to come, tombstones included. */
  readonly outstanding: number;
  /** Of them, those that somebody waits for. */
  readonly live: number;
  /** Do replies come in the order of requests? Then one that cannot be told makes all after it doubtful. */
  readonly ordered: boolean;
  /** The id that the next attempt will be given. */
  readonly nextId: number;
  /** Writes the attempt's id, and expects its reply. */
  add(attempt: Attempt): void;
  /** Writes the id of an attempt that gets no reply. */
  addOneway(attempt: Attempt): void;
  /** Takes back the last {@link add}: nothing of it was sent. */
  undo(attempt: Attempt): void;
  /** Whose it is, left where it is. Only where ids tell: streams are found by it. */
  find?(id: WireId): Entry | undefined;
  /** Whose reply it is, to be settled by the taker; undefined if nobody's. */
  take(reply: WireId): Entry | undefined;
  /** Nobody waits any more: a tombstone takes the attempt's place. Undefined if it is not here. */
  bury(attempt: Attempt, now: number): Tombstone | undefined;
  /** The one entry that bytes which are no reply can be blamed on. */
  readonly culprit: Entry | undefined;
  /** Empties it, oldest first where there is an order. */
  clear(each: (entry: Entry) => void): void;
}

export type Entry = Attempt | Tombstone;

/** Stands for an attempt that nobody waits for, until its reply has been swallowed or the connection is gone. */
export class Tombstone {
  /** Its reply came. */
  passed = false;

  constructor(
    readonly idLow: number,
    /** Keeps its in-flight count up: a slow endpoint must not look idle because its callers gave up. */
    readonly target: AttemptTarget | undefined,
    /** In `runtime.now()`. */
    readonly since: number,
  ) {}
}

const ID_MASK = 0x7fffffff;

export function idAfter(id: number): number {
  return (id + 1) & ID_MASK;
}

/** Was `id` given before `mark`? Holds while fewer than 2^30 ids lie between them. */
export function idBefore(id: number, mark: number): boolean {
  return ((id - mark) & ID_MASK) > ID_MASK >>> 1;
}

/**
 * Is it the reply to `entry`, as far as the wire tells? Where replies come in order there need be no ids, and some servers
 * do not echo what they do not use: 0 says nothing, any other number must be ours.
 */
export function echoes(reply: WireId, entry: Entry): boolean {
  return (reply.idLow === 0 && reply.idHigh === 0) || ((reply.idLow | 0) === entry.idLow && reply.idHigh === 0);
}
