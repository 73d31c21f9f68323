import type { DownstreamLimits } from './downstream/serve.js';
import type { PoolOptions } from './upstream/options.js';

/** What a mesh's configuration may say of its connections. */
export interface ConnectionOptions {
  readonly pool?: PoolOptions;
  readonly downstream?: DownstreamLimits;
  /** Bytes that all downstreams may hold together. @defaultValue 256 MiB */
  readonly maxHeldBytes?: number;
}
