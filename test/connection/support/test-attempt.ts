import {
  Attempt,
  Call,
  type Connection,
  type Failure,
  type Outcome,
  Pass,
  Reply,
  WRITTEN,
} from '../../../src/call/index.js';
import type { Peer } from '../../../src/cluster/index.js';
import type { Message, Protocol } from '../../../src/message/index.js';
import { frameProtocol } from './frame-protocol.js';

class TestPass extends Pass {
  readonly route = 'test';
  readonly cluster = 'test';
  readonly settled = false;

  resume(): void {}
  end(): void {}
}

/** Counts what an attempt's target sees: it must be released exactly once for each attempt that was sent. */
export class TestTarget {
  readonly address = 'test';
  inflight = 0;

  release(): void {
    this.inflight--;
    if (this.inflight < 0) throw new Error('released twice');
  }
}

/** An attempt that does what the pipeline does: gets a connection, is sent, and remembers its outcome. */
export class TestAttempt extends Attempt {
  readonly remainingMs = Number.POSITIVE_INFINITY;
  /** How often it was settled: anything but 1 is a defect. */
  settlements = 0;
  readonly done: Promise<Outcome>;
  readonly #resolve: (outcome: Outcome) => void;
  #peer: Peer | undefined;

  constructor(request: Message, protocol: Protocol = frameProtocol(), target = new TestTarget()) {
    const call = new Call(request, protocol, { host: 'test', port: 1 }, { reply() {}, fail() {} });
    super(new TestPass(call), 1, undefined);
    this.target = target;
    let resolve!: (outcome: Outcome) => void;
    this.done = new Promise((r) => {
      resolve = r;
    });
    this.#resolve = resolve;
  }

  get settled(): boolean {
    return this.outcome !== undefined;
  }

  get testTarget(): TestTarget {
    return this.target as TestTarget;
  }

  /** Takes a connection of the peer, at once or when there is one, and is sent on it. */
  start(peer: Peer): this {
    this.#peer = peer;
    const connection = peer.checkout(this);
    if (connection !== undefined) this.connected(connection);
    return this;
  }

  sendOn(connection: Connection): this {
    this.connected(connection);
    return this;
  }

  connected(connection: Connection): void {
    this.connection = connection;
    this.testTarget.inflight++;
    this.dispatched = true;
    connection.send(this);
  }

  refused(failure: Failure): void {
    this.#settle(failure);
  }

  written(): void {
    this.#settle(WRITTEN);
  }

  replied(message: Message): void {
    this.#settle(new Reply(message));
  }

  lost(failure: Failure): void {
    this.#settle(failure);
  }

  resume(): void {}

  end(outcome: Outcome): void {
    if (this.settled) return;
    if (this.dispatched) this.connection!.abandon(this, outcome);
    this.#settle(outcome);
    if (!this.dispatched) this.#peer?.withdraw(this);
  }

  #settle(outcome: Outcome): void {
    this.settlements++;
    this.outcome ??= outcome;
    this.#resolve(outcome);
  }
}
