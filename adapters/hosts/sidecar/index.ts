/**
 * The mesh as a process of its own, for what cannot have it within: clients in native code, and in other languages. Joins a
 * mesh with listeners, health checks and signals. Imports `adapters/node`, and `src` by its entries.
 */

export type { OpenListener, SidecarReport } from './report.js';
export { runSidecar, type SidecarOptions } from './sidecar.js';
export { listenerInWords } from './wanted.js';
