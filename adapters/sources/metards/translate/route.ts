/**
 * A route of a RouteConfiguration as MetaProtocol reads it: the HTTP route is but the carrier. Headers are attributes,
 * `request_headers_to_add` sets attributes of the message that is sent, `hash_policy` lists keys of attributes. The path is
 * always `/` and means nothing. Weights are taken as they are, and `total_weight` is not read.
 */
import type {
  AttributeMatch,
  MirrorRule,
  Provenance,
  RouteRule,
  WeightedCluster,
} from '../../../../src/rules/index.js';
import {
  type HeaderValueOption,
  HeaderValueOption_HeaderAppendAction,
  HeaderValueOptionSchema,
  HeaderValueSchema,
  RuntimeFractionalPercentSchema,
} from '../generated/envoy/config/core/v3/base_pb.js';
import {
  type Route,
  type RouteAction,
  type RouteAction_HashPolicy,
  RouteAction_HashPolicy_HeaderSchema,
  RouteAction_HashPolicySchema,
  type RouteAction_RequestMirrorPolicy,
  RouteAction_RequestMirrorPolicySchema,
  RouteActionSchema,
  type RouteMatch,
  RouteMatchSchema,
  RouteSchema,
  WeightedCluster_ClusterWeightSchema,
  WeightedClusterSchema,
  type WeightedCluster as WeightedClusters,
} from '../generated/envoy/config/route/v3/route_components_pb.js';
import { FractionalPercent_DenominatorType, FractionalPercentSchema } from '../generated/envoy/type/v3/percent_pb.js';
import { attributeMatch } from './header-matcher.js';
import { at, type Problems, quoted } from './problems.js';
import { Unread } from './unread.js';

/** Of a route: conditions, destinations, mirrors, hash keys, attributes that are set. Aeraki's largest have a handful. */
export const MAX_OF_A_ROUTE = 1_000;

const ROUTE = new Unread(
  RouteSchema,
  ['name', 'match', 'route', 'request_headers_to_add', 'response_headers_to_add'],
  // For people and for spans.
  ['metadata', 'decorator', 'tracing', 'stat_prefix'],
);
const MATCH = new Unread(RouteMatchSchema, ['prefix', 'headers'], ['case_sensitive']);
const ACTION = new Unread(
  RouteActionSchema,
  ['cluster', 'weighted_clusters', 'request_mirror_policies', 'hash_policy'],
  // An HTTP status, where a message gets its own protocol's error.
  ['cluster_not_found_response_code'],
);
// Prefixes and keys of Envoy's runtime: it has none here, and says nothing there unless somebody fills it in by hand.
const WEIGHTED = new Unread(WeightedClusterSchema, ['clusters'], ['total_weight', 'runtime_key_prefix']);
const WEIGHT = new Unread(WeightedCluster_ClusterWeightSchema, ['name', 'weight']);
const MIRROR = new Unread(
  RouteAction_RequestMirrorPolicySchema,
  ['cluster', 'runtime_fraction'],
  ['trace_sampled', 'disable_shadow_host_suffix_append'],
);
const FRACTION = new Unread(RuntimeFractionalPercentSchema, ['default_value'], ['runtime_key']);
const PERCENT = new Unread(FractionalPercentSchema, ['numerator', 'denominator']);
const HASH = new Unread(RouteAction_HashPolicySchema, ['header', 'terminal']);
const HASH_HEADER = new Unread(RouteAction_HashPolicy_HeaderSchema, ['header_name']);
const ADDITION = new Unread(HeaderValueOptionSchema, ['header', 'append', 'append_action'], ['keep_empty_value']);
const HEADER = new Unread(HeaderValueSchema, ['key', 'value']);

const OF_DENOMINATOR: ReadonlyMap<FractionalPercent_DenominatorType, number> = new Map([
  [FractionalPercent_DenominatorType.HUNDRED, 100],
  [FractionalPercent_DenominatorType.TEN_THOUSAND, 10_000],
  [FractionalPercent_DenominatorType.MILLION, 1_000_000],
]);

/** Means nothing unless `problems` are none. */
export function routeRule(route: Route, path: string, from: Provenance, problems: Problems): RouteRule {
  ROUTE.check(route, path, problems);
  if (route.action.case === undefined) problems.add(path, 'has no action');
  const action = route.action.case === 'route' ? route.action.value : undefined;
  const actionPath = at(path, 'route');
  if (action !== undefined) ACTION.check(action, actionPath, problems);
  return {
    name: route.name,
    match: route.match === undefined ? [] : conditions(route.match, at(path, 'match'), problems),
    destinations: action === undefined ? [] : destinations(action, actionPath, problems),
    mirrors: each(action?.requestMirrorPolicies, at(actionPath, 'request_mirror_policies'), problems, mirror),
    hashKeys: each(action?.hashPolicy, at(actionPath, 'hash_policy'), problems, hashKey),
    requestMutation: each(route.requestHeadersToAdd, at(path, 'request_headers_to_add'), problems, addition),
    responseMutation: each(route.responseHeadersToAdd, at(path, 'response_headers_to_add'), problems, addition),
    policy: {},
    from,
  };
}

/** Sorted by key, since the server's order is random and all of them must hold. */
function conditions(match: RouteMatch, path: string, problems: Problems): readonly AttributeMatch[] {
  MATCH.check(match, path, problems);
  const { pathSpecifier } = match;
  if (pathSpecifier.case === 'prefix' && pathSpecifier.value !== '/' && pathSpecifier.value !== '') {
    problems.add(at(path, 'prefix'), `is ${quoted(pathSpecifier.value)}; a message has no path, so it can only be "/"`);
  }
  const matches = each(match.headers, at(path, 'headers'), problems, attributeMatch);
  return matches.sort((a, b) => compare(a.key, b.key) || compare(a.kind, b.kind) || compare(textOf(a), textOf(b)));
}

function textOf(match: AttributeMatch): string {
  return 'value' in match ? match.value : 'start' in match ? `${match.start} ${match.end}` : '';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function destinations(action: RouteAction, path: string, problems: Problems): readonly WeightedCluster[] {
  const { clusterSpecifier: to } = action;
  switch (to.case) {
    case 'cluster':
      if (to.value === '') problems.add(at(path, 'cluster'), 'is empty');
      return [{ cluster: to.value, weight: 0 }];
    case 'weightedClusters':
      return weighted(to.value, at(path, 'weighted_clusters'), problems);
    case undefined:
      problems.add(path, 'names no cluster');
      return [];
    default:
      return [];
  }
}

function weighted(message: WeightedClusters, path: string, problems: Problems): readonly WeightedCluster[] {
  WEIGHTED.check(message, path, problems);
  return each(message.clusters, at(path, 'clusters'), problems, (entry, entryPath) => {
    WEIGHT.check(entry, entryPath, problems);
    if (entry.name === '') problems.add(at(entryPath, 'name'), 'is empty');
    if (entry.weight === undefined) problems.add(at(entryPath, 'weight'), 'is missing');
    return { cluster: entry.name, weight: entry.weight ?? 0 };
  });
}

function mirror(policy: RouteAction_RequestMirrorPolicy, path: string, problems: Problems): MirrorRule {
  MIRROR.check(policy, path, problems);
  if (policy.cluster === '') problems.add(at(path, 'cluster'), 'is empty');
  return { cluster: policy.cluster, perMillion: perMillion(policy, at(path, 'runtime_fraction'), problems) };
}

/** Without a fraction everything is mirrored; what is above its denominator is everything too. */
function perMillion({ runtimeFraction }: RouteAction_RequestMirrorPolicy, path: string, problems: Problems): number {
  if (runtimeFraction === undefined) return 1_000_000;
  FRACTION.check(runtimeFraction, path, problems);
  const { defaultValue: fraction } = runtimeFraction;
  if (fraction === undefined) {
    problems.add(path, 'has no default_value, and there is no runtime here that could have another');
    return 0;
  }
  PERCENT.check(fraction, at(path, 'default_value'), problems);
  const denominator = OF_DENOMINATOR.get(fraction.denominator);
  if (denominator === undefined) {
    problems.add(at(path, 'default_value.denominator'), `is ${fraction.denominator}, which is none of the three`);
    return 0;
  }
  return Math.min(1_000_000, fraction.numerator * (1_000_000 / denominator));
}

function hashKey(policy: RouteAction_HashPolicy, path: string, problems: Problems): string {
  HASH.check(policy, path, problems);
  if (policy.terminal) problems.add(at(path, 'terminal'), 'is not supported: the hash is over all keys at once');
  const { policySpecifier: by } = policy;
  if (by.case !== 'header') {
    if (by.case === undefined) problems.add(path, 'says not what to hash');
    return '';
  }
  HASH_HEADER.check(by.value, at(path, 'header'), problems);
  if (by.value.headerName === '') problems.add(at(path, 'header.header_name'), 'is empty');
  return by.value.headerName;
}

/** Without a word on appending, as Aeraki sends it, MetaProtocol sets the attribute. */
function addition(option: HeaderValueOption, path: string, problems: Problems): readonly [key: string, value: string] {
  ADDITION.check(option, path, problems);
  const { header, append, appendAction } = option;
  const { APPEND_IF_EXISTS_OR_ADD, OVERWRITE_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction;
  if (append === true || (appendAction !== APPEND_IF_EXISTS_OR_ADD && appendAction !== OVERWRITE_IF_EXISTS_OR_ADD)) {
    const field = append === true ? 'append' : 'append_action';
    problems.add(at(path, field), 'is not supported: an attribute is set, whether or not it is there');
  }
  if (header === undefined) {
    problems.add(path, 'has no header');
    return ['', ''];
  }
  HEADER.check(header, at(path, 'header'), problems);
  if (header.key === '') problems.add(at(path, 'header.key'), 'is empty');
  return [header.key, header.value];
}

function each<T, R>(
  list: readonly T[] | undefined,
  path: string,
  problems: Problems,
  translate: (item: T, path: string, problems: Problems) => R | undefined,
): R[] {
  const results: R[] = [];
  if (list === undefined) return results;
  if (list.length > MAX_OF_A_ROUTE) {
    problems.add(path, `has ${list.length} entries; at most ${MAX_OF_A_ROUTE} are taken`);
    return results;
  }
  for (let i = 0; i < list.length; i++) {
    const result = translate(list[i]!, `${path}[${i}]`, problems);
    if (result !== undefined) results.push(result);
  }
  return results;
}
