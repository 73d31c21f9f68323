/** Totals of one peer, or of all downstreams of one edge. Plain numbers, only ever added to: whoever reads them keeps the last. */
export class ConnectionCounters {
  bytesRead = 0;
  bytesWritten = 0;
  opened = 0;
  closed = 0;
  connectFailures = 0;
  /** Replies to calls that nobody waits for any more: timed out, cancelled, superseded. Swallowed. */
  lateReplies = 0;
  /** Replies with an id that we never gave, or whose reply was read before. Swallowed. */
  unknownReplies = 0;
  /** Messages that a peer sent of its own accord: events, requests of a server. */
  unsolicited = 0;
  /** Bytes that were not of the protocol; each ended its connection. */
  protocolErrors = 0;
  heartbeatsSent = 0;
  heartbeatsAnswered = 0;
  /** Times that reading was held back, because replies or requests of the downstream were over their bounds. */
  readsPaused = 0;
}

export type ConnectionEventKind =
  | 'opened'
  | 'closed'
  | 'connect-failed'
  /** Takes no new calls: the peer said so, its oldest unanswered call is too old, or the rules changed. */
  | 'draining'
  /** Bytes that are no such protocol; `closed` follows. */
  | 'protocol-error'
  /** Nothing read for too long, with calls outstanding. */
  | 'silent'
  /** A message that the peer sent of its own accord and that was refused. */
  | 'unsolicited';

export interface ConnectionEvent {
  readonly kind: ConnectionEventKind;
  readonly side: 'upstream' | 'downstream';
  /** Of the other end. */
  readonly address: string;
  readonly protocol: string;
  /** For people. */
  readonly reason?: string;
}

/** Told what happens to connections; never on the path of a call. Must not throw. */
export type ConnectionListener = (event: ConnectionEvent) => void;

export const nobodyListens: ConnectionListener = () => {};
