/**
 * Services as the RouteConfigurations that MetaRDS would send, in proto3's JSON mapping: what `meltemi routes` prints.
 * Sorted by name, and matchers by theirs, since the real server's order is random.
 */

import type { JsonObject } from '@bufbuild/protobuf';
import type { AttributeMatch, RouteRule, ServiceRule } from '../../../../src/rules/index.js';

/** One object for each metaprotocol port; fields at their default are left out. */
export function toRouteConfigurations(services: readonly ServiceRule[]): JsonObject[] {
  return services
    .filter(({ portName }) => portName.split('-')[1]?.toLowerCase() === 'metaprotocol')
    .map((service) => ({
      name: service.key,
      virtualHosts: [{ name: 'dummy', domains: ['*'], routes: service.routes.map(route) }],
    }))
    .sort((a, b) => order(a.name, b.name));
}

function route(rule: RouteRule): JsonObject {
  return {
    ...text('name', rule.name),
    match: { prefix: '/', ...list('headers', [...rule.match].sort((a, b) => order(a.key, b.key)).map(matcher)) },
    route: {
      ...destination(rule),
      ...list(
        'requestMirrorPolicies',
        rule.mirrors.map((mirror) => ({
          cluster: mirror.cluster,
          runtimeFraction: { defaultValue: { numerator: mirror.perMillion, denominator: 'MILLION' } },
        })),
      ),
      ...list(
        'hashPolicy',
        rule.hashKeys.map((headerName) => ({ header: { headerName } })),
      ),
    },
    ...list('requestHeadersToAdd', rule.requestMutation.map(header)),
    ...list('responseHeadersToAdd', rule.responseMutation.map(header)),
  };
}

function destination({ destinations }: RouteRule): JsonObject {
  if (destinations.length === 1) return { cluster: destinations[0]!.cluster };
  const clusters = destinations.map(({ cluster, weight }) => ({ name: cluster, weight }));
  const totalWeight = clusters.reduce((sum, { weight }) => sum + weight, 0);
  return { weightedClusters: { ...list('clusters', clusters), totalWeight } };
}

function matcher(match: AttributeMatch): JsonObject {
  const name = match.key;
  switch (match.kind) {
    case 'exact':
      return { name, exactMatch: match.value };
    case 'prefix':
      return { name, prefixMatch: match.value };
    case 'regex':
      return { name, safeRegexMatch: { googleRe2: {}, ...text('regex', match.value) } };
    case 'present':
      return { name, presentMatch: true };
    default:
      throw new Error(`no MetaRouter can say ${match.kind}`);
  }
}

const header = ([key, value]: readonly [string, string]) => ({
  header: { ...text('key', key), ...text('value', value) },
});
const text = (name: string, value: string): JsonObject => (value === '' ? {} : { [name]: value });
const list = (name: string, values: JsonObject[]): JsonObject => (values.length === 0 ? {} : { [name]: values });
const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
