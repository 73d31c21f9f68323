import type { SourceStatus } from '../rules/index.js';
import type { HistogramSnapshot } from '../runtime/index.js';
import { type EndpointMeter, REFUSING_ROLES, type Reporter, type RouteMeter } from './meter.js';
import type { Meters } from './meters.js';
import { OUTCOMES, responseCode, responseFlags } from './outcomes.js';

/**
 * Every metric that there is, by the words of Istio (calls) and Envoy (attempts). A snapshot is made from this list and
 * `docs/observability.md` is tested against it.
 */
export interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  readonly read: (meters: Meters) => Iterable<Sample>;
}

/** One value of a metric. Plain data. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | HistogramSnapshot;
}

/** A metric with its values at one moment. Plain data. */
export interface MetricSnapshot {
  readonly name: string;
  readonly type: Metric['type'];
  readonly help: string;
  readonly samples: readonly Sample[];
}

/**
 * All metrics as they are now. Takes time in proportion to what has been used: for scrapes, not for calls. Outcomes and
 * roles that never came up are left out.
 */
export function snapshot(meters: Meters): readonly MetricSnapshot[] {
  return METRICS.map(({ name, type, help, read }) => ({ name, type, help, samples: [...read(meters)] }));
}

const ROUTE_LABELS = ['reporter', 'destination_service', 'route'] as const;
const OUTCOME_LABELS = ['outcome', 'response_code', 'response_flags'] as const;

export const METRICS: readonly Metric[] = [
  {
    name: 'requests_total',
    type: 'counter',
    labels: [...ROUTE_LABELS, ...OUTCOME_LABELS],
    help: 'calls that have ended, by route and outcome',
    *read(meters) {
      for (const route of meters.routes()) yield* byOutcome(routeLabels(route), route);
    },
  },
  {
    name: 'requests_active',
    type: 'gauge',
    labels: ['reporter', 'destination_service'],
    help: 'calls under way',
    *read(meters) {
      for (const { reporter, service, active } of meters.services()) {
        yield { labels: { reporter, destination_service: service }, value: active };
      }
    },
  },
  {
    name: 'request_duration_milliseconds',
    type: 'histogram',
    labels: ROUTE_LABELS,
    help: 'from the call to its outcome, retries and waiting included',
    read: (meters) => ofRoutes(meters, (route) => route.durations.snapshot()),
  },
  {
    name: 'request_bytes_total',
    type: 'counter',
    labels: ROUTE_LABELS,
    help: 'bytes of requests as they came in',
    read: (meters) => ofRoutes(meters, (route) => route.requestBytes),
  },
  {
    name: 'response_bytes_total',
    type: 'counter',
    labels: ROUTE_LABELS,
    help: 'bytes of replies as they came in',
    read: (meters) => ofRoutes(meters, (route) => route.responseBytes),
  },
  {
    name: 'requests_refused_total',
    type: 'counter',
    labels: [...ROUTE_LABELS, 'role'],
    help: 'calls that a stage of the plan refused, by its role',
    *read(meters) {
      for (const route of meters.routes()) yield* byRole(routeLabels(route), route);
    },
  },
  {
    name: 'request_retries_total',
    type: 'counter',
    labels: ROUTE_LABELS,
    help: 'attempts beyond the first of their call',
    read: (meters) => ofRoutes(meters, (route) => route.retries),
  },
  {
    name: 'requests_stalled_total',
    type: 'counter',
    labels: ROUTE_LABELS,
    help: 'calls that failed after a stall of our own event loop; no upstream is blamed for them',
    read: (meters) => ofRoutes(meters, (route) => route.stalled),
  },
  {
    name: 'upstream_rq_total',
    type: 'counter',
    labels: ['cluster', ...OUTCOME_LABELS],
    help: 'attempts that had an endpoint and have ended, by outcome',
    *read(meters) {
      for (const cluster of meters.clusters()) yield* byOutcome({ cluster: cluster.cluster }, cluster);
    },
  },
  {
    name: 'upstream_rq_active',
    type: 'gauge',
    labels: ['cluster'],
    help: 'attempts that have an endpoint and wait for their outcome',
    read: (meters) => ofClusters(meters, (cluster) => cluster.active),
  },
  {
    name: 'upstream_rq_time',
    type: 'histogram',
    labels: ['cluster'],
    help: 'milliseconds from the start of an attempt to its outcome, waiting for a connection included',
    read: (meters) => ofClusters(meters, (cluster) => cluster.durations.snapshot()),
  },
  {
    name: 'upstream_rq_refused',
    type: 'counter',
    labels: ['cluster', 'role'],
    help: 'attempts that a stage refused before they had an endpoint, by its role',
    *read(meters) {
      for (const cluster of meters.clusters()) yield* byRole({ cluster: cluster.cluster }, cluster);
    },
  },
  {
    name: 'upstream_rq_retry',
    type: 'counter',
    labels: ['cluster'],
    help: 'attempts beyond the first of their call that had an endpoint and have ended',
    read: (meters) => ofClusters(meters, (cluster) => cluster.retries),
  },
  {
    name: 'upstream_rq_retry_success',
    type: 'counter',
    labels: ['cluster'],
    help: 'of these, those that were answered',
    read: (meters) => ofClusters(meters, (cluster) => cluster.retriesOk),
  },
  {
    name: 'upstream_rq_stalled',
    type: 'counter',
    labels: ['cluster'],
    help: 'attempts that failed after a stall of our own event loop',
    read: (meters) => ofClusters(meters, (cluster) => cluster.stalled),
  },
  {
    name: 'rq_success',
    type: 'counter',
    labels: ['cluster', 'endpoint'],
    help: 'attempts at the endpoint that were answered, also by an exception of the business',
    read: (meters) => ofEndpoints(meters, (endpoint) => endpoint.success),
  },
  {
    name: 'rq_error',
    type: 'counter',
    labels: ['cluster', 'endpoint'],
    help: 'attempts at the endpoint that failed otherwise, or were answered by an error of the framework or a rejection',
    read: (meters) => ofEndpoints(meters, (endpoint) => endpoint.error),
  },
  {
    name: 'rq_timeout',
    type: 'counter',
    labels: ['cluster', 'endpoint'],
    help: 'attempts at the endpoint that an attempt timeout or the deadline ended',
    read: (meters) => ofEndpoints(meters, (endpoint) => endpoint.timeout),
  },
  {
    name: 'rq_cancelled',
    type: 'counter',
    labels: ['cluster', 'endpoint'],
    help: 'attempts at the endpoint whose caller went away',
    read: (meters) => ofEndpoints(meters, (endpoint) => endpoint.cancelled),
  },
  {
    name: 'control_plane_connected_state',
    type: 'gauge',
    labels: ['source'],
    help: '1 while the source of rules is `live`, else 0',
    read: (meters) => ofSources(meters, ({ state }) => (state === 'live' ? 1 : 0)),
  },
  {
    name: 'update_success',
    type: 'counter',
    labels: ['source'],
    help: 'batches of rules that came from the source',
    read: (meters) => ofSources(meters, ({ updates }) => updates),
  },
  {
    name: 'update_rejected',
    type: 'counter',
    labels: ['source'],
    help: 'things that the source said, or was told by its files, that are not in force',
    read: (meters) => ofSources(meters, ({ rejected }) => rejected),
  },
  {
    name: 'placement_services',
    type: 'gauge',
    labels: ['placement'],
    help: 'services in use, as they are addressed, by where their calls go',
    *read({ placements }) {
      for (const [placement, value] of placements.now) if (value !== 0) yield { labels: { placement }, value };
    },
  },
  {
    name: 'placement_switches_total',
    type: 'counter',
    labels: ['from', 'to', 'reason'],
    help: 'changes of where the calls of a service go; its first placement is none',
    *read({ placements }) {
      for (const { count, ...labels } of placements.switches.values()) yield { labels, value: count };
    },
  },
];

type Labels = Readonly<Record<string, string>>;
type Counted = Pick<RouteMeter, 'byOutcome' | 'byRole'>;

function routeLabels(meter: { reporter: Reporter; service: string; route: string }): Labels {
  return { reporter: meter.reporter, destination_service: meter.service, route: meter.route };
}

function* byOutcome(labels: Labels, meter: Counted): Iterable<Sample> {
  for (const [index, outcome] of OUTCOMES.entries()) {
    const value = meter.byOutcome(index);
    if (value === 0) continue;
    const code = { response_code: responseCode(outcome), response_flags: responseFlags(outcome) };
    yield { labels: { ...labels, outcome, ...code }, value };
  }
}

function* byRole(labels: Labels, meter: Counted): Iterable<Sample> {
  for (const [index, role] of REFUSING_ROLES.entries()) {
    const value = meter.byRole(index);
    if (value !== 0) yield { labels: { ...labels, role }, value };
  }
}

function* ofRoutes(meters: Meters, value: (meter: RouteMeter) => Sample['value']): Iterable<Sample> {
  for (const meter of meters.routes()) yield { labels: routeLabels(meter), value: value(meter) };
}

function* ofClusters(
  meters: Meters,
  value: (meter: ReturnType<Meters['cluster']>) => Sample['value'],
): Iterable<Sample> {
  for (const meter of meters.clusters()) yield { labels: { cluster: meter.cluster }, value: value(meter) };
}

function* ofSources(meters: Meters, value: (source: SourceStatus) => number): Iterable<Sample> {
  for (const source of meters.sources()) yield { labels: { source: source.name }, value: value(source) };
}

function* ofEndpoints(meters: Meters, value: (meter: EndpointMeter) => number): Iterable<Sample> {
  for (const meter of meters.endpoints()) {
    yield { labels: { cluster: meter.cluster, endpoint: meter.address }, value: value(meter) };
  }
}
