/** Clusters: endpoints, balancers, outlier detection. Imports `call`, `rules` and below. */
export type { Balancer } from './balancer.js';
export { Endpoint, type Peer } from './endpoint.js';
