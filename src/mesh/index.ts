/** The joining of the parts: a mesh, its life, its edges. Imports everything below. */
export { CallObservable, type CallOptions } from './call-observable.js';
export { createMesh, Mesh, type MeshStatus } from './mesh.js';
export type { MeshNode, MeshOptions } from './options.js';
