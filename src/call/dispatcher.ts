import type { Message } from '../message/index.js';
import type { DownstreamPeer } from './call.js';
import type { CallSink } from './outcome.js';

/**
 * What an edge that reads messages needs of the mesh: it hands over each request and gets one outcome. Bound to where
 * the connection was addressed; the message's service key may choose among several services there.
 */
export interface Dispatcher {
  /** The outcome may come before this returns. */
  dispatch(request: Message, sink: CallSink, peer?: DownstreamPeer): CallHandle;
}

export interface CallHandle {
  /** The caller went away: settles the call as CANCELLED, without calling the sink. No effect once settled. */
  cancel(): void;
}
