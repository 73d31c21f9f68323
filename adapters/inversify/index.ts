/** The mesh in an Inversify container: module, tokens, decorator. Imports `adapters/node` and npm's inversify and reflect-metadata. */
export { MeshInterceptor, type MeshInterceptorOptions } from './mesh-interceptor.js';
export { type ClientBinding, type MeshModuleOptions, meshModule } from './mesh-module.js';
export { MeshTokens } from './tokens.js';
