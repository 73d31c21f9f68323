/**
 * A management server that speaks MetaRDS, for tests and laptops, with the quirks of Aeraki's own behind options. Imports
 * src, rxjs, grpc-js, protobuf-es and the generated code beside it.
 */
export type { MetaRdsEvent } from './events.js';
export { AS_RECORDED, type MetaRdsQuirks } from './quirks.js';
export { toRouteConfigurations } from './route-configurations.js';
export { MetaRdsServer, type MetaRdsServerOptions, type MetaRdsServerTls, serveMetaRds } from './server.js';
