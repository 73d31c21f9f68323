/** Byte streams: the serve loop for downstreams, pools of upstream connections, what carries them. Imports `cluster`, `call` and below. */
export { ByteBudget, type ByteHolder } from './downstream/byte-budget.js';
export { Detection } from './downstream/detect.js';
export {
  type Companion,
  type Downstream,
  type DownstreamLimits,
  remoteAddress,
  type ServeOptions,
  serve,
} from './downstream/serve.js';
export {
  ConnectionCounters,
  type ConnectionEvent,
  type ConnectionEventKind,
  type ConnectionListener,
} from './events.js';
export { type InProcessOptions, InProcessSocket, inProcessDuplex } from './in-process-duplex.js';
export { LINGER_MS } from './linger.js';
export { type Drainable, type ListenAddress, Listener, type ListenOptions, listen } from './listener.js';
export { type HandledCall, type Handler, LocalHandler } from './local-handler.js';
export type { ConnectionOptions } from './options.js';
export type { AppStreams } from './paired/pair.js';
export { PairedPeer } from './paired/paired-peer.js';
export { Relay, type Successor } from './relay.js';
export { inRootContext } from './root-context.js';
export {
  formatAddress,
  plainTransport,
  plainTransportBy,
  type SocketAddress,
  type TransportSocket,
} from './transport-socket.js';
export type { PoolOptions } from './upstream/options.js';
export type { PeerPool } from './upstream/peer-pool.js';
export { Peers, type PeersOptions, type PeerTerms, type PeerWish } from './upstream/peers.js';
