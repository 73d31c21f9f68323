import type { Message, Mutation, Protocol } from '../message/index.js';
import type { Expirable, Timer } from '../runtime/index.js';
import type { Failure, Sent } from './failure.js';
import type { Outcome } from './outcome.js';
import type { Pass } from './pass.js';

/**
 * What an attempt was sent to, for records and counters. `cluster/` has the whole of it; in-flight counts live there and
 * outlast the attempt while its tombstone stands.
 */
export interface AttemptTarget {
  readonly address: string;
  /** Its counters: attempt-telemetry's. Whoever owns the target closes them once no attempt is left on it. */
  meter?: { close(): void } | undefined;
  /** The attempt's place is free again: its reply was read, or its connection is gone. */
  release(): void;
}

/** A connection that takes attempts. It calls exactly one of `replied`, `lost` (or `written` for one-way) for each. */
export interface Connection {
  /**
   * From here on the attempt's place at its target is the connection's: it calls `attempt.target.release()` exactly once,
   * when the reply is read, the one-way request written, the connection lost, or the tombstone gone.
   */
  send(attempt: Attempt): void;
  /**
   * Nobody waits for the attempt any more. Its id, or its place in the order, stays a tombstone until the reply has been
   * swallowed or the connection is gone; only then `attempt.target.release()` is called. So a late reply reaches nobody.
   * @param outcome - why: attempts that time out say something of the connection, those that are cancelled nothing
   */
  abandon(attempt: Attempt, outcome: Outcome): void;
  /**
   * Sends a message on the stream that the attempt has opened, if it still is there.
   * @returns false: the connection takes no more for now, and tells the stream's edge when it does
   */
  push?(attempt: Attempt, message: Message): boolean;
}

/** One try at an upstream. Retries and hedges make several of a pass. */
export abstract class Attempt implements Expirable {
  /** Which stages let it through and are to be settled with it, a bit each; the runner's own. */
  passed = 0;
  /** What is put on the wire besides the request: interceptors' and rules' changes, stamps. */
  mutation: Mutation | undefined = undefined;
  target: AttemptTarget | undefined = undefined;
  connection: Connection | undefined = undefined;
  /** Set by the runner just before `connection.send`: who releases `target`, the connection (true) or the balance stage. */
  dispatched = false;
  /** Targets picked for this attempt that could not be connected to; the present one is not among them. */
  unreachable: AttemptTarget[] | undefined = undefined;
  sent: Sent = 'no';
  /** Since its call started, in whole µs: a number with a fraction is an object of its own. */
  startedUs = 0;
  /** Until its outcome was known, in whole µs; -1 before. */
  tookUs = -1;
  outcome: Outcome | undefined = undefined;
  refusedBy: string | undefined = undefined;
  /** Its id on a shared connection, and so its own WireId: the connection's to write. */
  idLow = 0;
  /** The attempt timeout's. The attempt is its owner; the runner hands its expiry to the stage. */
  timer: Timer | undefined = undefined;
  /** Free to the stage of that role. */
  permit: unknown = undefined;
  /** In the queue of its cluster, while it waits for a slot. */
  place: unknown = undefined;

  constructor(
    readonly pass: Pass,
    /** From 1. */
    readonly number: number,
    readonly previous: Attempt | undefined,
  ) {}

  /** The runner's own. */
  expired(_timer: Timer): void {}

  /** Ids of our own take 31 bits. */
  get idHigh(): number {
    return 0;
  }

  get request(): Message {
    return this.pass.call.request;
  }

  get protocol(): Protocol {
    return this.pass.call.protocol;
  }

  /** Of the deadline, by `call.now`: as of now while stages run. */
  abstract readonly remainingMs: number;
  abstract readonly settled: boolean;

  /** A stage that answered `WAIT` lets the attempt go on, or refuses it. No effect once settled. */
  abstract resume(refusal?: Failure): void;
  /** The pool has a connection for the attempt, after it had to wait for one. */
  abstract connected(connection: Connection): void;
  /** The pool cannot: another endpoint is tried, since nothing was sent. */
  abstract refused(failure: Failure): void;
  /** A one-way request's bytes were handed to the socket. */
  abstract written(): void;
  abstract replied(message: Message): void;
  /** A message of the stream that the attempt has opened; the last one is its reply. */
  streamed(_message: Message): void {}
  /** No reply will come. */
  abstract lost(failure: Failure): void;
  /** Ends it from outside: attempt timeout, deadline, cancellation. Abandons the connection's work. No effect once settled. */
  abstract end(outcome: Outcome): void;
}
