/** Routes from Aeraki's control plane over MetaRDS. Imports src, rxjs, @grpc/grpc-js and @bufbuild/protobuf. */
export { withAssumedServices } from './assumed-services.js';
export type { MetaRdsOptions, MetaRdsTls } from './options.js';
export { metaRdsSource } from './source.js';
