import type { Message } from '../message/index.js';
import type { Failure } from './failure.js';

/**
 * Contracts that protocols with streams and sessions fill (tRPC, gRPC; MySQL, Redis MULTI, ZooKeeper). Nothing here
 * does anything yet: two-way and one-way calls need none of it.
 */

/** Holds back a producer. Observables cannot: a slow consumer of one held 1.1 GB after 1.5 s. */
export interface Flow {
  pause(): void;
  resume(): void;
}

/** One direction of a stream, as its receiver sees it. */
export interface StreamSink {
  /** Many. @param flow - the sender's, to be paused while the receiver cannot take more. */
  next(message: Message, flow: Flow): void;
  complete(): void;
  fail(failure: Failure): void;
}

/** Balanced once, on an upstream connection of its own unless the protocol has credits; never retried after its first reply. */
export interface StreamCall {
  /** Towards the upstream. */
  readonly requests: StreamSink;
  cancel(): void;
}

/**
 * A downstream pinned to one upstream, because the connection carries state or the server speaks first: balanced once,
 * never retried, heartbeats passed on, messages seen by the hooks, unsolicited ones passed as events.
 */
export interface Session {
  readonly downstream: StreamSink;
  readonly upstream: StreamSink;
  /** May it move or end here? Between transactions, outside MULTI. */
  readonly quiet: boolean;
  end(failure?: Failure): void;
}
