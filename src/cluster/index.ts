/** Clusters: endpoints, balancers, outlier detection, and the stages over them. Imports policy's contracts, `call`, `rules` and below. */
export { BalanceGate } from './balance-gate.js';
export type { Balancer } from './balancer.js';
export type { Candidates } from './candidates.js';
export { Cluster, type ClusterDeps } from './cluster.js';
export { Endpoint, type EndpointOwner, type Peer } from './endpoint.js';
export { wantsMtls } from './members.js';
export { type Dns, type NameResolver, Names, namesBy, type ResolvedName, systemNames } from './names/index.js';
export { signOf } from './outlier.js';
export { OutlierGate } from './outlier-gate.js';
export type { ClusterEvent, EndpointStatus } from './status.js';
