import { Call, Failure, NOBODY } from '../call/index.js';
import type { EndpointStatus } from '../cluster/index.js';
import { formatMatch, formatMiss } from '../routing/index.js';
import type { PolicyRule } from '../rules/index.js';
import { messageOf } from './attributes.js';
import type { Clusters } from './clusters.js';
import type { PlacementStatus } from './placement/index.js';
import type { Target } from './target.js';

/** What would become of a call, and why. Plain data: `JSON.stringify` shows all of it. */
export interface Decision {
  readonly destination: string;
  /** Where its calls go. Of what a sidecar decides nothing is known here. */
  readonly placement: PlacementStatus;
  /** `<host>:<port>` of the service that was meant; undefined: nobody's. */
  readonly service?: string;
  readonly protocol?: string;
  /** Name of the route; undefined: none matches. May be empty. */
  readonly route?: string;
  /** Where the route is written. */
  readonly origin?: string;
  /** Why the route matched: its conditions. Empty: it matches everything. */
  readonly matched?: readonly string[];
  /** Why each route before it, or all of them, did not match. */
  readonly skipped: readonly string[];
  /** Where the weights may lead, with the share of each in percent. */
  readonly destinations?: readonly { readonly cluster: string; readonly percent: number }[];
  /** The one drawn. */
  readonly cluster?: string;
  readonly endpoints?: readonly EndpointStatus[];
  readonly requestMutation?: readonly (readonly [key: string, value: string])[];
  readonly responseMutation?: readonly (readonly [key: string, value: string])[];
  readonly mirrors?: readonly { readonly cluster: string; readonly percent: number }[];
  readonly hashKeys?: readonly string[];
  readonly policy?: PolicyRule;
  /** Set if the call would be refused: code and reason. */
  readonly refused?: string;
}

/** Decides as a call would, and writes down what it saw. */
export function explainDecision(
  target: Target,
  placement: PlacementStatus,
  attributes: Readonly<Record<string, string>>,
  draw: number,
  clusters: Clusters,
): Decision {
  const { host, port } = target.destination;
  const destination = `${host}:${port}`;
  if (target.placed.ungoverned) return { destination, placement, skipped: [] };
  const request = messageOf(attributes);
  const plan = target.plan(request);
  if (plan instanceof Failure) {
    return { destination, placement, skipped: [], refused: placement.refused ?? plan.message };
  }
  const call = new Call(request, plan.protocol, target.destination, NOBODY);
  const { route, misses } = plan.table.explain(call);
  const about = {
    destination,
    placement,
    service: `${plan.rule.host}:${plan.rule.port}`,
    protocol: plan.protocol.name,
    skipped: misses.map(formatMiss),
  };
  if (route === undefined) return { ...about, refused: 'NO_ROUTE: no route matches' };
  const { rule } = route;
  const total = rule.destinations.reduce((sum, it) => sum + it.weight, 0);
  const share = (weight: number) => (rule.destinations.length === 1 ? 100 : (100 * weight) / (total || 1));
  const decided = {
    ...about,
    route: route.name,
    origin: rule.from.origin,
    matched: rule.match.map(formatMatch),
    destinations: rule.destinations.map(({ cluster, weight }) => ({ cluster, percent: share(weight) })),
    requestMutation: rule.requestMutation,
    responseMutation: rule.responseMutation,
    mirrors: rule.mirrors.map(({ cluster, perMillion }) => ({ cluster, percent: perMillion / 10_000 })),
    hashKeys: rule.hashKeys,
  };
  const drawn = route.pickDestination(draw);
  if (drawn < 0) return { ...decided, refused: 'NO_CLUSTER: no destination has a weight above 0' };
  const cluster = rule.destinations[drawn]!.cluster;
  if (placement.refused !== undefined) return { ...decided, cluster, refused: placement.refused };
  const compiled = plan.plan(route, drawn);
  if (compiled instanceof Failure) return { ...decided, cluster, refused: compiled.message };
  const held = clusters.hold(cluster, plan.protocol, plan.rule.key);
  const endpoints = held?.cluster.snapshot() ?? [];
  held?.release();
  const whole = { ...decided, cluster, endpoints, policy: compiled.policy };
  if (endpoints.some((it) => it.healthy)) return whole;
  return { ...whole, refused: `NO_ENDPOINT: ${cluster} has no usable endpoint` };
}
