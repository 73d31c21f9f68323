import type { Message } from '../message/index.js';
import type { Attempt } from './attempt.js';

/**
 * A stream between two connections. What opens it is a call like any other: routed, limited, balanced once, counted, and
 * settled once, when the stream ends. Its further messages go past the stages: those of its opener from the edge to the
 * connection that the attempt was sent on, those of the upstream from there through the attempt to the edge. The message
 * that ends it is the call's reply.
 *
 * - **Shared connections.** A stream needs an id on each of its two connections and nothing more, so only multiplexed
 *   protocols have them. How fast its ends send is theirs to agree: a protocol with streams has messages for that, which are
 *   passed on like all others.
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
