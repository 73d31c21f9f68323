import { type Attempt, type Connection, Failure } from '../call/index.js';
import type { Peer } from '../cluster/index.js';
import type { Message } from '../message/index.js';

/** A request that arrived at a {@link ScriptedUpstream}. Answered or failed once; after that, no effect. */
export interface Arrival {
  readonly attempt: Attempt;
  readonly request: Message;
  /** Nobody waits any more; the place at the endpoint is kept until it is answered all the same. */
  readonly abandoned: boolean;
  reply(message: Message): void;
  /** @param failure - defaults to a lost connection */
  fail(failure?: Failure): void;
}

/**
 * An upstream without a wire, for tests of what stands before it: is a peer whose replies the test gives, by a script or
 * one by one. One-way requests are written at once.
 */
export class ScriptedUpstream implements Peer, Connection {
  ready = true;
  draining = false;
  /** If set, no attempt gets a connection. */
  refusal: Failure | undefined = undefined;
  /** Every request, in the order of arrival. */
  readonly arrivals: Arrival[] = [];
  readonly #open = new Map<Attempt, OpenArrival>();
  readonly #unscripted: Arrival[] = [];

  /** @param script - what is done with each request; without one, {@link next} gives them to the test. */
  constructor(private readonly script?: (arrival: Arrival) => void) {}

  /** Requests that are not answered yet. */
  get outstanding(): number {
    return this.#open.size;
  }

  /** The oldest request that the test has not been given yet. @throws Error if there is none. */
  next(): Arrival {
    const arrival = this.#unscripted.shift();
    if (arrival === undefined) throw new Error('no request arrived that was not asked for already');
    return arrival;
  }

  checkout(attempt: Attempt): Connection | undefined {
    if (this.refusal === undefined) return this;
    attempt.refused(this.refusal);
    return undefined;
  }

  withdraw(_attempt: Attempt): void {}

  release(): void {}

  send(attempt: Attempt): void {
    const arrival = new OpenArrival(attempt, () => this.#open.delete(attempt));
    this.arrivals.push(arrival);
    attempt.sent = 'maybe';
    if (attempt.request.kind === 'oneway') {
      attempt.target?.release();
      attempt.written();
      return;
    }
    this.#open.set(attempt, arrival);
    if (this.script === undefined) this.#unscripted.push(arrival);
    else this.script(arrival);
  }

  abandon(attempt: Attempt): void {
    const arrival = this.#open.get(attempt);
    if (arrival !== undefined) arrival.abandoned = true;
  }
}

class OpenArrival implements Arrival {
  abandoned = false;

  constructor(
    readonly attempt: Attempt,
    private readonly end: () => boolean,
  ) {}

  get request(): Message {
    return this.attempt.request;
  }

  reply(message: Message): void {
    if (!this.end()) return;
    this.attempt.target?.release();
    if (!this.abandoned) this.attempt.replied(message);
  }

  fail(failure = new Failure('CONNECTION_LOST', { sent: 'maybe' })): void {
    if (!this.end()) return;
    this.attempt.target?.release();
    if (!this.abandoned) this.attempt.lost(failure);
  }
}
