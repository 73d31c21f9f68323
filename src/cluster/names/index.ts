/** Endpoints by name: from names to addresses, and again when these have had their time. Imports `rules` and `runtime`. */
export { type Dns, type NameResolver, namesBy, type ResolvedName, systemNames } from './name-resolver.js';
export { Names } from './names.js';
