/** The start with batteries: one configuration, and the adapters it names. The one adapter that may import others. */
export { ConfigError, configSchema, type LoadedConfig, loadConfig, type MeshConfig, parseConfig } from './config.js';
export { meshOptions, type StartOptions, startMesh } from './start-mesh.js';
