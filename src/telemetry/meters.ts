import type { SourceStatus } from '../rules/index.js';
import { CounterSlab } from '../runtime/index.js';
import { ClusterMeter, EndpointMeter, type Meter, type Reporter, RouteMeter, ServiceMeter } from './meter.js';
import { PlacementMeter } from './placement-meter.js';

/** Label `route` of calls for which no route was found. */
export const NO_ROUTE = '-';

/**
 * All counters of a mesh. Whoever compiles a plan asks for the meters that its calls count in, and closes each when the
 * plan is gone and its last call has ended; a meter that nobody holds leaves the snapshot, and its slots are used again, so
 * that rules which come and go for months cost nothing. Asking is a Map access: not for the call path.
 */
export class Meters {
  readonly placements = new PlacementMeter();
  readonly #slab = new CounterSlab();
  readonly #services = new Map<string, ServiceMeter>();
  readonly #routes = new Map<string, RouteMeter>();
  readonly #clusters = new Map<string, ClusterMeter>();
  /** Not by name: an endpoint that left and one that came since may have the same. */
  readonly #endpoints = new Set<EndpointMeter>();

  /** @param sources - the sources of rules, as they stand when asked */
  constructor(readonly sources: () => readonly SourceStatus[] = () => []) {}

  /** @param service - key of the service, `<host>_<port>` */
  service(service: string, direction: 'outbound' | 'inbound'): ServiceMeter {
    const reporter = reporterOf(direction);
    return held(this.#services, `${reporter}\n${service}`, (retired) => {
      return new ServiceMeter(this.#slab, retired, reporter, service);
    });
  }

  /** @param route - its name, which may be empty; {@link NO_ROUTE} for calls that found none */
  route(service: string, route: string, direction: 'outbound' | 'inbound'): RouteMeter {
    const reporter = reporterOf(direction);
    return held(this.#routes, `${reporter}\n${service}\n${route}`, (retired) => {
      return new RouteMeter(this.#slab, retired, reporter, service, route);
    });
  }

  /** @param cluster - its name, `outbound|<port>|<subset>|<host>` */
  cluster(cluster: string): ClusterMeter {
    return held(this.#clusters, cluster, (retired) => {
      return new ClusterMeter(this.#slab, retired, cluster, this.#endpoint);
    });
  }

  services(): Iterable<ServiceMeter> {
    return this.#services.values();
  }

  routes(): Iterable<RouteMeter> {
    return this.#routes.values();
  }

  clusters(): Iterable<ClusterMeter> {
    return this.#clusters.values();
  }

  endpoints(): Iterable<EndpointMeter> {
    return this.#endpoints;
  }

  readonly #endpoint = (cluster: string, address: string): EndpointMeter => {
    const meter: EndpointMeter = new EndpointMeter(this.#slab, () => this.#endpoints.delete(meter), cluster, address);
    meter.holders = 1;
    this.#endpoints.add(meter);
    return meter;
  };

  /** Bytes of counters held. */
  get bytes(): number {
    return this.#slab.bytes;
  }
}

function held<M extends Meter>(meters: Map<string, M>, key: string, create: (retired: () => void) => M): M {
  let meter = meters.get(key);
  if (meter === undefined) {
    meter = create(() => meters.delete(key));
    meters.set(key, meter);
  }
  meter.holders++;
  return meter;
}

/** Istio's word. */
function reporterOf(direction: 'outbound' | 'inbound'): Reporter {
  return direction === 'outbound' ? 'source' : 'destination';
}
