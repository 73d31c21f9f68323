/**
 * Findings that take the whole set to see: names that lead nowhere, and the four places where Aeraki's control plane
 * does other than its users expect and Meltemi does the same, so that both give the very same routes. (The other two of
 * these, dropped conditions and `exportTo`, show in the object alone.)
 */
import type { ClusterRule } from '../../../../src/rules/index.js';
import type { DestinationRule } from '../kinds/destination-rule.js';
import type { RuleObject } from '../kinds/index.js';
import type { Destination, MetaRouter } from '../kinds/meta-router.js';
import type { Path } from '../problem.js';
import type { Context } from './context.js';
import type { HostPort } from './hosts.js';
import { expandHost, isMetaprotocol } from './port-name.js';
import { clusterOf, hashKey } from './routes.js';

export interface Linted {
  readonly hosts: Iterable<HostPort>;
  readonly clusters: ReadonlyMap<string, ClusterRule>;
  readonly routers: ReadonlyMap<string, RuleObject<MetaRouter>>;
  /** By full host. */
  readonly rules: ReadonlyMap<string, RuleObject<DestinationRule>>;
}

export function lint(set: Linted, context: Context): void {
  const hosts = [...set.hosts];
  const governed = new Set(hosts.filter((host) => isMetaprotocol(host.portName)).map((host) => host.host));
  for (const [name, router] of set.routers) {
    if (governed.has(name)) continue;
    const near = hosts.find((host) => host.host !== name && host.fullHost === expandHost(name, router.namespace));
    const hint = near === undefined ? 'hosts are compared letter by letter' : `write ${near.host}`;
    context
      .report(router)
      .warning(['spec', 'hosts'], `no metaprotocol port of these rules has the host ${name}; ${hint}`);
  }
  const fullHosts = new Set(hosts.map((host) => host.fullHost));
  for (const [name, rule] of set.rules) {
    if (!fullHosts.has(name))
      context.report(rule).warning(['spec', 'host'], `no host of these rules is called ${name}`);
  }
  for (const host of hosts) {
    const router = set.routers.get(host.host);
    if (router !== undefined && isMetaprotocol(host.portName)) lintRoutes(host, router, set, context);
  }
}

function lintRoutes(host: HostPort, router: RuleObject<MetaRouter>, set: Linted, context: Context): void {
  const report = context.report(router);
  router.spec.routes?.forEach((route, index) => {
    const at: Path = ['spec', 'routes', index];
    const check = (target: Destination, path: Path) => {
      const cluster = clusterOf(target, host);
      if (!set.clusters.has(cluster)) report.warning(path, unknown(target, host, set));
    };
    route.route?.forEach(({ destination }, position) => {
      const path = [...at, 'route', position, 'destination'];
      check(destination, path);
      lintHash(destination, host, set, (message) => report.warning(path, message));
    });
    if (route.mirror !== undefined) check(route.mirror, [...at, 'mirror']);
  });
}

function unknown(target: Destination, host: HostPort, { clusters }: Linted): string {
  if (target.subset && clusters.has(clusterOf({ ...target, subset: '' }, host))) {
    return `no DestinationRule gives ${target.host} the subset ${target.subset}: these calls fail with NO_CLUSTER`;
  }
  const port = target.port?.number || host.number;
  return `no ServiceEntry or Service describes ${target.host}:${port}: these calls fail with NO_CLUSTER`;
}

function lintHash(target: Destination, host: HostPort, { rules }: Linted, warn: (message: string) => void): void {
  const rule = rules.get(host.fullHost);
  const own = hashKey(rule?.spec, target.subset);
  const inherited = hashKey(rule?.spec, '');
  if (rule !== undefined && own === undefined && inherited !== undefined && target.host === host.host) {
    const fix = `give subset ${target.subset} its own consistentHash`;
    warn(`calls are not hashed by ${inherited}: subsets do not inherit it in MetaRDS; ${fix}`);
  }
  if (target.host === host.host) return;
  const theirs = hashKey(rules.get(expandHost(target.host, host.namespace))?.spec, target.subset);
  if (theirs !== undefined && theirs !== own) {
    const key = own === undefined ? 'are not hashed' : `are hashed by ${own}`;
    warn(
      `calls ${key}, though ${target.host} asks for ${theirs}: the DestinationRule of ${host.host} decides in MetaRDS`,
    );
  }
}
