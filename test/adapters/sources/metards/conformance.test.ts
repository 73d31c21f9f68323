import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { re2 } from '../../../../adapters/engines/re2.js';
import { xxhash } from '../../../../adapters/engines/xxhash.js';
import { readRules } from '../../../../adapters/sources/file/index.js';
import {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from '../../../../adapters/sources/metards/generated/envoy/config/route/v3/route_pb.js';
import { toRouteConfigurations } from '../../../../adapters/sources/metards/server/route-configurations.js';
import { routeTable } from '../../../../adapters/sources/metards/translate/route-table.js';
import { type AttributeSource, hashOf, RouteTable } from '../../../../src/routing/index.js';
import type { HashEngine, RouteRule, RouteTableRule, ServiceRule } from '../../../../src/rules/index.js';
import { readGolden, recordedCases, recordedRoutes } from './recorded.js';

/** Two roads lead to a service's routes: from the bytes that the real server sent, and from what it was given, as YAML. */
describe('the road over MetaRDS and the road over files', () => {
  let hash: HashEngine;
  beforeAll(async () => {
    hash = await xxhash();
  });

  test.each(recordedCases)('%s: the same routes, and the same decisions', (name) => {
    const services = servicesOf(readGolden(`${name}/input.yaml`));
    const tables = tablesOf(recordedRoutes(name));
    expect([...tables.keys()].sort()).toEqual(JSON.parse(readGolden(`${name}/routes.json`)).map(nameOf));
    const joined = [...tables.values()].map((table) => ({ ...services.get(table.key)!, routes: table.routes }));
    expect(toRouteConfigurations(joined)).toEqual(JSON.parse(readGolden(`${name}/routes.json`)));
    for (const [key, { routes }] of tables) sameDecisions(services.get(key)!.routes, routes, hash);
  });

  test('large-mesh: its sample; the digest of all 300 services is tested with `meltemi routes`', () => {
    const services = servicesOf(readGolden('large-mesh/input.sample.yaml'));
    const sent = JSON.parse(readGolden('large-mesh/routes.sample.json')) as JsonValue[];
    const tables = tablesOf(sent.map((each) => fromJson(RouteConfigurationSchema, each)));
    for (const [key, { routes }] of tables) sameDecisions(services.get(key)!.routes, routes, hash);
  });
});

const nameOf = ({ name }: { name: string }) => name;

function servicesOf(yaml: string): ReadonlyMap<string, ServiceRule> {
  const { services } = readRules(new Map([['input.yaml', yaml]]));
  return new Map(services.map((service) => [service.key, service]));
}

function tablesOf(configurations: readonly RouteConfiguration[]): ReadonlyMap<string, RouteTableRule> {
  return new Map(
    configurations.map((each) => {
      const table = routeTable(each, 'metards', each.name);
      if (!('routes' in table)) throw new Error(`${each.name}: ${table}`);
      return [table.key, table];
    }),
  );
}

/** For attributes drawn from what the rules ask for: near misses, other letter cases, and keys left out. */
function sameDecisions(one: readonly RouteRule[], other: readonly RouteRule[], hash: HashEngine): void {
  const engines = { regex: re2, hash };
  const [a, b] = [new RouteTable(one, engines), new RouteTable(other, engines)];
  const keys = new Set(one.flatMap(({ match, hashKeys }) => [...match.map(({ key }) => key), ...hashKeys]));
  const values = one.flatMap(({ match }) => match.flatMap((each) => ('value' in each ? [String(each.value)] : [])));
  const value = fc.oneof(
    fc.constantFrom('', 'x', ...values),
    fc.tuple(fc.constantFrom('', ...values), fc.string({ maxLength: 3 })).map((parts) => parts.join('')),
  );
  const attributes = fc.record(Object.fromEntries([...keys].map((key) => [key.toLowerCase(), fc.option(value)])));
  const decide = (table: RouteTable, source: AttributeSource, draw: number) => {
    const route = table.match(source);
    if (route === undefined) return 'no route';
    const { name, index, requestMutation, responseMutation, hashKeys, rule } = route;
    return {
      ...{ name, index },
      to: rule.destinations[route.pickDestination(draw)]?.cluster,
      mirrors: rule.mirrors,
      hash: hashOf(source, hashKeys, hash),
      mutations: [requestMutation, responseMutation].map((each) => each && [...each.entries()]),
    };
  };
  fc.assert(
    fc.property(attributes, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (has, draw) => {
      const source = { getLower: (key: string) => (has[key] as string | null | undefined) ?? undefined };
      expect(decide(b, source, draw)).toEqual(decide(a, source, draw));
    }),
    { numRuns: 100 },
  );
}
