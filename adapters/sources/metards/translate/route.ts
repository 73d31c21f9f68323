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
  type RuntimeFractionalPercent,
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
  type WeightedCluster_ClusterWeight,
  WeightedCluster_ClusterWeightSchema,
  WeightedClusterSchema,
  type WeightedCluster as WeightedClusters,
} from '../generated/envoy/config/route/v3/route_components_pb.js';
import { FractionalPercent_DenominatorType, FractionalPercentSchema } from '../generated/envoy/type/v3/percent_pb.js';
import { attributeMatch } from './header-matcher.js';
import { type Problems, quoted } from './problems.js';
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
export function routeRule(route: Route, from: Provenance, problems: Problems): RouteRule {
  ROUTE.check(route, problems);
  if (route.action.case === undefined) problems.add('', 'has no action');
  return {
    name: route.name,
    match: route.match === undefined ? [] : conditions(route.match, problems),
    ...(route.action.case === 'route' ? actionOf(route.action.value, problems) : NO_ACTION),
    requestMutation: each(route.requestHeadersToAdd, 'request_headers_to_add', problems, addition),
    responseMutation: each(route.responseHeadersToAdd, 'response_headers_to_add', problems, addition),
    policy: {},
    from,
  };
}

type Action = Pick<RouteRule, 'destinations' | 'mirrors' | 'hashKeys'>;
const NO_ACTION: Action = { destinations: [], mirrors: [], hashKeys: [] };

function actionOf(action: RouteAction, problems: Problems): Action {
  problems.enter('route');
  ACTION.check(action, problems);
  const result = {
    destinations: destinations(action, problems),
    mirrors: each(action.requestMirrorPolicies, 'request_mirror_policies', problems, mirror),
    hashKeys: each(action.hashPolicy, 'hash_policy', problems, hashKey),
  };
  problems.leave();
  return result;
}

/** Sorted by key, since the server's order is random and all of them must hold. */
function conditions(match: RouteMatch, problems: Problems): readonly AttributeMatch[] {
  problems.enter('match');
  MATCH.check(match, problems);
  const { pathSpecifier } = match;
  if (pathSpecifier.case === 'prefix' && pathSpecifier.value !== '/' && pathSpecifier.value !== '') {
    problems.add('prefix', `is ${quoted(pathSpecifier.value)}; a message has no path, so it can only be "/"`);
  }
  const matches = each(match.headers, 'headers', problems, attributeMatch);
  problems.leave();
  return matches.sort((a, b) => compare(a.key, b.key) || compare(a.kind, b.kind) || compare(textOf(a), textOf(b)));
}

function textOf(match: AttributeMatch): string {
  return 'value' in match ? match.value : 'start' in match ? `${match.start} ${match.end}` : '';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function destinations(action: RouteAction, problems: Problems): readonly WeightedCluster[] {
  const { clusterSpecifier: to } = action;
  switch (to.case) {
    case 'cluster':
      if (to.value === '') problems.add('cluster', 'is empty');
      return [{ cluster: to.value, weight: 0 }];
    case 'weightedClusters':
      return weighted(to.value, problems);
    case undefined:
      problems.add('', 'names no cluster');
      return [];
    default:
      return [];
  }
}

function weighted(message: WeightedClusters, problems: Problems): readonly WeightedCluster[] {
  problems.enter('weighted_clusters');
  WEIGHTED.check(message, problems);
  const clusters = each(message.clusters, 'clusters', problems, weightedCluster);
  problems.leave();
  return clusters;
}

function weightedCluster(entry: WeightedCluster_ClusterWeight, problems: Problems): WeightedCluster {
  WEIGHT.check(entry, problems);
  if (entry.name === '') problems.add('name', 'is empty');
  if (entry.weight === undefined) problems.add('weight', 'is missing');
  return { cluster: entry.name, weight: entry.weight ?? 0 };
}

function mirror(policy: RouteAction_RequestMirrorPolicy, problems: Problems): MirrorRule {
  MIRROR.check(policy, problems);
  if (policy.cluster === '') problems.add('cluster', 'is empty');
  const { runtimeFraction } = policy;
  // Without a fraction everything is mirrored.
  if (runtimeFraction === undefined) return { cluster: policy.cluster, perMillion: 1_000_000 };
  problems.enter('runtime_fraction');
  const share = perMillion(runtimeFraction, problems);
  problems.leave();
  return { cluster: policy.cluster, perMillion: share };
}

/** What is above its denominator is everything. */
function perMillion(runtimeFraction: RuntimeFractionalPercent, problems: Problems): number {
  FRACTION.check(runtimeFraction, problems);
  const { defaultValue: fraction } = runtimeFraction;
  if (fraction === undefined) {
    problems.add('', 'has no default_value, and there is no runtime here that could have another');
    return 0;
  }
  problems.enter('default_value');
  PERCENT.check(fraction, problems);
  const denominator = OF_DENOMINATOR.get(fraction.denominator);
  if (denominator === undefined) problems.add('denominator', `is ${fraction.denominator}, which is none of the three`);
  problems.leave();
  return denominator === undefined ? 0 : Math.min(1_000_000, fraction.numerator * (1_000_000 / denominator));
}

function hashKey(policy: RouteAction_HashPolicy, problems: Problems): string {
  HASH.check(policy, problems);
  if (policy.terminal) problems.add('terminal', 'is not supported: the hash is over all keys at once');
  const { policySpecifier: by } = policy;
  if (by.case !== 'header') {
    if (by.case === undefined) problems.add('', 'says not what to hash');
    return '';
  }
  problems.enter('header');
  HASH_HEADER.check(by.value, problems);
  if (by.value.headerName === '') problems.add('header_name', 'is empty');
  problems.leave();
  return by.value.headerName;
}

/** Without a word on appending, as Aeraki sends it, MetaProtocol sets the attribute. */
function addition(option: HeaderValueOption, problems: Problems): readonly [key: string, value: string] {
  ADDITION.check(option, problems);
  const { header, append, appendAction } = option;
  const { APPEND_IF_EXISTS_OR_ADD, OVERWRITE_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction;
  if (append === true || (appendAction !== APPEND_IF_EXISTS_OR_ADD && appendAction !== OVERWRITE_IF_EXISTS_OR_ADD)) {
    const field = append === true ? 'append' : 'append_action';
    problems.add(field, 'is not supported: an attribute is set, whether or not it is there');
  }
  if (header === undefined) {
    problems.add('', 'has no header');
    return ['', ''];
  }
  problems.enter('header');
  HEADER.check(header, problems);
  if (header.key === '') problems.add('key', 'is empty');
  problems.leave();
  return [header.key, header.value];
}

function each<T, R>(
  list: readonly T[],
  field: string,
  problems: Problems,
  translate: (item: T, problems: Problems) => R | undefined,
): R[] {
  const results: R[] = [];
  if (list.length > MAX_OF_A_ROUTE) {
    problems.add(field, `has ${list.length} entries; at most ${MAX_OF_A_ROUTE} are taken`);
    return results;
  }
  problems.enter(field);
  for (let i = 0; i < list.length; i++) {
    problems.enter(i);
    const result = translate(list[i]!, problems);
    if (result !== undefined) results.push(result);
    problems.leave();
  }
  problems.leave();
  return results;
}
