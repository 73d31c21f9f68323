/** What tests of the mesh, of services on it and of protocols need. Imports anything in `src`; nothing in `src` imports it. */

export type { InProcessSocket } from '../connection/index.js';
export { type CodecCheck, codecKit } from './codec-kit.js';
export type { CodecKitOptions, SampleExchange } from './codec-samples.js';
export { ManualRuntime } from './manual-runtime.js';
export { MemoryNetwork } from './memory-network.js';
export { type Arrival, ScriptedUpstream } from './scripted-upstream.js';
