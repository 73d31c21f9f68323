/** Checked objects into the neutral rule model, as Aeraki and Istio would. Imports the rule model and the kinds. */
import type { ClusterRule, EndpointsRule, RouteRule, ServiceRule } from '../../../../src/rules/index.js';
import type { ApplicationProtocol } from '../kinds/application-protocol.js';
import type { DestinationRule } from '../kinds/destination-rule.js';
import type { RuleObject } from '../kinds/index.js';
import type { MetaRouter } from '../kinds/meta-router.js';
import type { Problem } from '../problem.js';
import { clustersOf } from './clusters.js';
import { Context, firstByKey, provenance } from './context.js';
import { endpointsOf } from './endpoints.js';
import { describeHosts, type HostPort } from './hosts.js';
import { lint } from './lint.js';
import { policiesOf } from './policies.js';
import { expandHost, isMetaprotocol, protocolOf } from './port-name.js';
import { rateLimitOf, routesOf } from './routes.js';
import { TlsModes } from './tls-modes.js';
import { placeWorkloads } from './workloads.js';

/** Rules, and all that was found wrong or doubtful on the way to them. */
export interface Translation {
  readonly services: readonly ServiceRule[];
  readonly clusters: readonly ClusterRule[];
  readonly endpoints: readonly EndpointsRule[];
  readonly problems: readonly Problem[];
}

/** Pure: the same objects give the same rules and problems. */
export function translate(objects: readonly RuleObject[]): Translation {
  const context = new Context(objects);
  const hosts = describeHosts(context);
  const routers = firstByKey(context, context.all<MetaRouter>('MetaRouter'), ({ spec }) => spec.hosts);
  const rules = firstByKey(context, context.all<DestinationRule>('DestinationRule'), ({ spec, namespace }) => [
    expandHost(spec.host, namespace),
  ]);
  const routes = new Map<string, { readonly table: readonly RouteRule[]; readonly written: boolean }>();
  const clusters = new Map<string, ClusterRule>();
  for (const host of hosts.values()) {
    const rule = rules.get(host.fullHost);
    const router = routerOf(host, routers);
    const written = (router?.spec.routes ?? []).length > 0;
    routes.set(host.key, { table: routesOf(host, router, rule), written });
    for (const cluster of clustersOf(host, rule)) clusters.set(cluster.name, cluster);
  }

  const policies = policiesOf(context, { hosts: [...hosts.values()], clusters, routes });
  const workloads = placeWorkloads(context);
  const modes = new TlsModes(context);
  const codecs = codecsOf(context);
  lint({ hosts: [...hosts.values()], clusters, routers, rules }, context);
  return {
    services: [...hosts.values()].map((host) => {
      const { table, written } = routes.get(host.key)!;
      const routePolicies = policies.routes(host.key);
      return {
        ...serviceOf(host, routerOf(host, routers), codecs),
        routes: table.map((route) => ({ ...route, policy: policies.route(host.key, route.name) })),
        ...(written ? {} : { routesByDefault: true, ...(routePolicies.length > 0 && { routePolicies }) }),
        policy: policies.service(host.key),
      };
    }),
    clusters: [...clusters.values()].map((cluster) => ({ ...cluster, policy: policies.cluster(cluster.name) })),
    endpoints: [...hosts.values()].map((host) =>
      endpointsOf(host, workloads.get(host.namespace) ?? [], modes, context),
    ),
    problems: context.problems,
  };
}

const routerOf = (host: HostPort, routers: ReadonlyMap<string, RuleObject<MetaRouter>>) =>
  isMetaprotocol(host.portName) ? routers.get(host.host) : undefined;

function serviceOf(
  host: HostPort,
  router: RuleObject<MetaRouter> | undefined,
  codecs: ReadonlyMap<string, string>,
): Omit<ServiceRule, 'routes' | 'policy'> {
  const named = protocolOf(host.portName);
  const labels = host.selector ?? host.servedBy;
  const port = typeof host.targetPort === 'number' ? host.targetPort : host.number;
  return {
    key: host.key,
    host: host.host,
    port: host.number,
    portName: host.portName,
    protocol: named === undefined ? undefined : (codecs.get(named) ?? named),
    addresses: host.addresses,
    serviceKey: host.serviceKey,
    inboundRateLimit: rateLimitOf(router?.spec.localRateLimit),
    workload: labels === undefined ? undefined : { namespace: host.namespace, labels, port },
    resolution: host.resolution,
    createdAt: host.object.createdAt,
    from: provenance(host.object, host.path),
  };
}

const CODEC_PREFIX = 'aeraki.meta_protocol.codec.';

/** Protocol → the name of the codec that an ApplicationProtocol gives it; the last one written counts, as upstream. */
function codecsOf(context: Context): ReadonlyMap<string, string> {
  const codecs = new Map<string, string>();
  for (const { spec } of context.all<ApplicationProtocol>('ApplicationProtocol')) {
    codecs.set(spec.protocol, spec.codec.startsWith(CODEC_PREFIX) ? spec.codec.slice(CODEC_PREFIX.length) : spec.codec);
  }
  return codecs;
}
