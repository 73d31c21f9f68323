import type { EndpointStatus } from '../cluster/index.js';
import type { ActiveCalls } from '../pipeline/index.js';
import { type BreakerState, circuitOf, type KeyedStateStore } from '../policy/index.js';
import type { Adoption, RuleStore, SourceStatus } from '../rules/index.js';
import type { Runtime } from '../runtime/index.js';
import type { Clusters } from './clusters.js';
import type { PortStatus } from './edges.js';
import type { PlacementStatus } from './placement/index.js';

/** What a mesh is doing, as plain data. */
export interface MeshStatus {
  readonly sources: readonly SourceStatus[];
  /** When all this was so, in Unix ms. */
  readonly at: number;
  /** Content version of the rules. */
  readonly version: string;
  /** Services whose newest rules are not in force, with the reason. */
  readonly held: readonly { readonly service: string; readonly why: readonly string[] }[];
  /** Where the calls of each destination go that was used, and why. */
  readonly placements: readonly PlacementStatus[];
  readonly activeCalls: number;
  /** What is listened on, and ports of the app's own servers that rules govern. */
  readonly ports: readonly PortStatus[];
  /** Clusters that were called since their rules came. */
  readonly clusters: readonly {
    readonly name: string;
    /** Of its circuit breaker; undefined: it has none, or was never called since it has. */
    readonly circuit: BreakerState | undefined;
    readonly endpoints: readonly EndpointStatus[];
  }[];
}

export function statusOf(
  placements: readonly PlacementStatus[],
  runtime: Pick<Runtime, 'wallNow'>,
  store: RuleStore,
  adoption: Adoption,
  clusters: Clusters,
  active: ActiveCalls,
  state: KeyedStateStore,
  ports: readonly PortStatus[],
): MeshStatus {
  return {
    at: runtime.wallNow(),
    sources: store.sources.map((source) => structuredClone(source)),
    version: store.version,
    held: [...adoption.held].map(([service, { problems, unknown }]) => ({
      service,
      why: [...problems.map((it) => it.message), ...unknown.map((name) => `nobody describes ${name}`)],
    })),
    placements,
    activeCalls: active.count,
    ports,
    clusters: [...clusters].map((cluster) => ({
      name: cluster.name,
      circuit: circuitOf(cluster.name, state),
      endpoints: cluster.snapshot(),
    })),
  };
}
