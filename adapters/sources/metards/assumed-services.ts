/**
 * Services that MetaRDS has routes for and that nobody describes. A route table says neither what a service speaks nor
 * where it is served. If everything that Aeraki routes speaks one protocol, and names resolve, as those of Kubernetes services
 * do, then both can be assumed: the host is the one endpoint, by its name. There are no subsets then, as nobody has told
 * their labels.
 *
 * A source of its own, of a precedence below all others, so that whoever describes a service is believed.
 */
import { Observable, type Subscriber, tap } from 'rxjs';
import {
  type ClusterRule,
  clusterName,
  type EndpointsRule,
  type RuleChange,
  type RuleSource,
  type ServiceRule,
} from '../../../src/rules/index.js';
import { parseServiceKey } from './translate/route-table.js';

/**
 * @param routes - a source of route tables, such as `metaRdsSource`
 * @param protocol - what all its services speak
 * @returns the sources to give to a mesh: that one, and one of precedence 50 that describes the services of its tables
 */
export function withAssumedServices(routes: RuleSource, protocol: string): readonly [RuleSource, RuleSource] {
  const name = `${routes.name}-services`;
  const keys = new Set<string>();
  const subscribers = new Set<Subscriber<readonly RuleChange[]>>();
  let complete = false;
  const say = (batch: readonly RuleChange[]) => {
    if (batch.length > 0) for (const subscriber of subscribers) subscriber.next(batch);
  };
  const followed = (batch: readonly RuleChange[]) => {
    const changes: RuleChange[] = [];
    for (const change of batch) {
      if (change.type === 'upsert' && change.kind === 'routes' && !keys.has(change.rule.key)) {
        keys.add(change.rule.key);
        changes.push(...described(change.rule.key, protocol, name));
      } else if (change.type === 'remove' && change.kind === 'routes' && keys.delete(change.key)) {
        changes.push(...removed(change.key));
      } else if (change.type === 'complete' && !complete) {
        complete = true;
        changes.push(change);
      }
    }
    say(changes);
  };
  return [
    { ...routes, watch: (context) => routes.watch(context).pipe(tap(followed)) },
    {
      name,
      precedence: 50,
      watch: () =>
        new Observable((subscriber) => {
          subscribers.add(subscriber);
          const before = [...keys].flatMap((key) => described(key, protocol, name));
          if (before.length > 0 || complete) subscriber.next(complete ? [...before, { type: 'complete' }] : before);
          return () => subscribers.delete(subscriber);
        }),
    },
  ];
}

function described(key: string, protocol: string, source: string): RuleChange[] {
  const { host, port } = parseServiceKey(key)!;
  const from = { source, origin: `assumed for the routes of ${key}` };
  const cluster = clusterName(host, port);
  const service: ServiceRule = {
    ...{ key, host, port, protocol, from },
    portName: `tcp-metaprotocol-${protocol}`,
    addresses: [],
    serviceKey: undefined,
    routes: [
      {
        ...{ name: 'default', match: [], mirrors: [], hashKeys: [], requestMutation: [], responseMutation: [] },
        ...{ destinations: [{ cluster, weight: 0 }], policy: {}, from },
      },
    ],
    routesByDefault: true,
    inboundRateLimit: undefined,
    workload: undefined,
    policy: {},
    resolution: 'DNS',
    createdAt: Number.MAX_SAFE_INTEGER,
  };
  const clusterRule: ClusterRule = {
    ...{ name: cluster, host, port, subset: '', endpointsKey: key, labels: {}, policy: {}, from },
    balancer: { kind: 'least-request', choices: 2 },
    outlier: undefined,
    limits: NO_LIMITS,
    connectTimeoutMs: 10_000,
    tlsMode: 'disabled',
  };
  const endpoint = { address: host, port, labels: {}, weight: 1, locality: '', priority: 0, tlsMode: undefined };
  const endpoints: EndpointsRule = { key, endpoints: [endpoint], from };
  return [
    { type: 'upsert', kind: 'service', rule: service },
    { type: 'upsert', kind: 'cluster', rule: clusterRule },
    { type: 'upsert', kind: 'endpoints', rule: endpoints },
  ];
}

function removed(key: string): RuleChange[] {
  const { host, port } = parseServiceKey(key)!;
  return [
    { type: 'remove', kind: 'service', key },
    { type: 'remove', kind: 'cluster', key: clusterName(host, port) },
    { type: 'remove', kind: 'endpoints', key },
  ];
}

const NO_LIMITS = {
  maxConnections: Number.POSITIVE_INFINITY,
  maxPendingRequests: Number.POSITIVE_INFINITY,
  maxRequests: Number.POSITIVE_INFINITY,
  maxRetries: Number.POSITIVE_INFINITY,
};
