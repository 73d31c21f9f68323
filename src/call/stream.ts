import type { Message } from '../message/index.js';
import type { Attempt } from './attempt.js';

/**
 * A stream between two connections. What opens it is a call like any other: routed, limited, balanced once, counted, and
 * settled once, when the stream ends. Its further messages go past the stages: those of its opener from the edge to the
 * connection that the attempt was sent on, those of the upstream from there through the attempt to the edge. The message
 * that ends it is the call's reply.
 *
 * - **Connections.** The opener may have many streams and calls on its connection, told apart by ids, so only multiplexed
 *   protocols have streams. Towards the upstream a stream has a connection of its own: one that is given up takes its
 *   connection with it. How fast its ends send is theirs to agree: messages for that are passed on like all others.
 * - **Never opened twice**, once anybody may have noticed: after {@link StreamEdge.committed} there is no retry, no fallback.
 */
export interface StreamEdge {
  /** The upstream has sent something: limits on how long the opening may take hold no longer. */
  readonly answered: boolean;
  /** Answered, or more than the opening was sent. */
  readonly committed: boolean;
  /** The opening was sent: the opener's messages go to this attempt's connection, those first that have waited. */
  opened(attempt: Attempt): void;
  /** A message of the upstream, not the last. */
  deliver(message: Message): void;
  /** The connection, which took no more, does again. */
  resume(): void;
}
