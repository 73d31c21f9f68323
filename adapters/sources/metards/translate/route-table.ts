/**
 * A RouteConfiguration as the route table of a service. Its name is `<host>_<port>`; it has one virtual host, for any
 * domain, whose routes are the service's. All or nothing: a route that was left out would let its calls fall to the next.
 */
import type { RouteTableRule } from '../../../../src/rules/index.js';
import { VirtualHostSchema } from '../generated/envoy/config/route/v3/route_components_pb.js';
import { type RouteConfiguration, RouteConfigurationSchema } from '../generated/envoy/config/route/v3/route_pb.js';
import { Problems, quoted } from './problems.js';
import { routeRule } from './route.js';
import { Unread } from './unread.js';

/** Routes of a table. */
export const MAX_ROUTES = 10_000;

const CONFIGURATION = new Unread(
  RouteConfigurationSchema,
  ['name', 'virtual_hosts'],
  // Whether clusters are known is checked here in any case; the rest is about hosts, paths and replies that are not made here.
  [
    'validate_clusters',
    'most_specific_header_mutations_wins',
    'max_direct_response_body_size_bytes',
    'ignore_port_in_host_matching',
    'ignore_path_parameters_in_path_matching',
    'metadata',
  ],
);
const VIRTUAL_HOST = new Unread(VirtualHostSchema, ['domains', 'routes'], ['name', 'metadata']);

/**
 * @param origin - where it came from, for people
 * @returns what is wrong with it if it cannot be honoured whole
 */
export function routeTable(message: RouteConfiguration, source: string, origin: string): RouteTableRule | Problems {
  const problems = new Problems();
  const { name, virtualHosts } = message;
  CONFIGURATION.check(message, problems);
  if (parseServiceKey(name) === undefined) problems.add('name', `is ${quoted(name)}; it must be <host>_<port>`);
  const [host] = virtualHosts;
  if (host === undefined || virtualHosts.length > 1) {
    problems.add('virtual_hosts', `has ${virtualHosts.length} entries; a service has one`);
    return problems;
  }
  problems.enter('virtual_hosts');
  problems.enter(0);
  VIRTUAL_HOST.check(host, problems);
  if (!host.domains.includes('*')) problems.add('domains', 'lacks "*", and a message has no domain to match');
  const { length } = host.routes;
  if (length === 0 || length > MAX_ROUTES) {
    problems.add('routes', `has ${length} entries; it must have from 1 to ${MAX_ROUTES}`);
    return problems;
  }
  problems.enter('routes');
  const routes = host.routes.map((route, i) => {
    problems.enter(i);
    const rule = routeRule(route, { source, origin: `${origin} route ${i + 1}` }, problems);
    problems.leave();
    return rule;
  });
  return problems.none ? { key: name, routes, from: { source, origin } } : problems;
}

/** The parts of `<host>_<port>`; undefined if it is none. */
export function parseServiceKey(key: string): { readonly host: string; readonly port: number } | undefined {
  const split = key.lastIndexOf('_');
  const digits = key.slice(split + 1);
  const port = Number(digits);
  if (split < 1 || split > MAX_HOST || !/^[1-9]\d{0,4}$/.test(digits) || port > 65535) return undefined;
  return { host: key.slice(0, split), port };
}

/** Of a domain name, with some to spare for registries' own names. */
const MAX_HOST = 512;
