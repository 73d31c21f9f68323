/** What tests of the mesh, of services on it and of protocols need. Imports anything in `src`; nothing in `src` imports it. */
export { ManualRuntime } from './manual-runtime.js';
