/** Rules that outlive the process: a source with a memory, and the files it is kept in. Imports its room and `runtime`. */
export { type LastGoodFilesOptions, lastGoodFiles } from './files.js';
export type { LastGoodStore, StoredRules } from './last-good.js';
export { type RememberingSource, withLastGood } from './with-last-good.js';
