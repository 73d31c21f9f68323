import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, test } from '@jest/globals';
import {
  HeaderValueOptionSchema,
  RuntimeFractionalPercentSchema,
} from '../../../../adapters/sources/metards/generated/envoy/config/core/v3/base_pb.js';
import type {
  HeaderMatcherSchema,
  RouteSchema,
} from '../../../../adapters/sources/metards/generated/envoy/config/route/v3/route_components_pb.js';
import { RouteConfigurationSchema } from '../../../../adapters/sources/metards/generated/envoy/config/route/v3/route_pb.js';
import { FractionalPercent_DenominatorType } from '../../../../adapters/sources/metards/generated/envoy/type/v3/percent_pb.js';
import { Problems } from '../../../../adapters/sources/metards/translate/problems.js';
import { MAX_OF_A_ROUTE } from '../../../../adapters/sources/metards/translate/route.js';
import { MAX_ROUTES, parseServiceKey, routeTable } from '../../../../adapters/sources/metards/translate/route-table.js';
import type { AttributeMatch, RouteRule } from '../../../../src/rules/index.js';

type RouteInit = MessageInitShape<typeof RouteSchema>;
type MatcherInit = MessageInitShape<typeof HeaderMatcherSchema>;

const TO_C = { action: { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: 'c' } } } } as const;

const configuration = (routes: RouteInit[], name = 'a.b_80') =>
  create(RouteConfigurationSchema, { name, virtualHosts: [{ name: 'dummy', domains: ['*'], routes }] });

const translate = (...args: Parameters<typeof configuration>) => routeTable(configuration(...args), 'metards', 'here');

function only(route: RouteInit): RouteRule {
  const table = translate([{ ...TO_C, ...route }]);
  if (table instanceof Problems) throw new Error(String(table));
  return table.routes[0]!;
}

function wrong(route: RouteInit): string {
  const table = translate([{ ...TO_C, ...route }]);
  if (!(table instanceof Problems)) throw new Error('it was taken');
  return String(table);
}

const routeTo = (value: Extract<NonNullable<RouteInit['action']>, { case: 'route' }>['value']): RouteInit => ({
  action: { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: 'c' }, ...value } },
});

const matched = (...headers: MatcherInit[]) => only({ match: { headers } }).match;

describe('conditions', () => {
  const kinds: [string, MatcherInit['headerMatchSpecifier'], Omit<AttributeMatch, 'key'>][] = [
    ['no kind', { case: undefined }, { kind: 'present' }],
    ['present', { case: 'presentMatch', value: true }, { kind: 'present' }],
    ['absent', { case: 'presentMatch', value: false }, { kind: 'absent' }],
    ['exact', { case: 'exactMatch', value: '' }, { kind: 'exact', value: '' } as AttributeMatch],
    ['prefix', { case: 'prefixMatch', value: 'v' }, { kind: 'prefix', value: 'v' } as AttributeMatch],
    ['suffix', { case: 'suffixMatch', value: 'v' }, { kind: 'suffix', value: 'v' } as AttributeMatch],
    ['contains', { case: 'containsMatch', value: 'v' }, { kind: 'contains', value: 'v' } as AttributeMatch],
    ['regex', { case: 'safeRegexMatch', value: { regex: 'v+' } }, { kind: 'regex', value: 'v+' } as AttributeMatch],
    [
      'range',
      { case: 'rangeMatch', value: { start: -5n, end: 2n ** 62n } },
      { kind: 'range', start: -5n, end: 2n ** 62n } as AttributeMatch,
    ],
  ];
  test.each(kinds)('%s', (_, headerMatchSpecifier, expected) => {
    expect(matched({ name: 'Key', headerMatchSpecifier: headerMatchSpecifier! })).toEqual([
      { key: 'Key', ...expected },
    ]);
  });

  test('inverted, and missing as empty', () => {
    const matcher = { name: 'k', invertMatch: true, treatMissingHeaderAsEmpty: true };
    expect(matched(matcher)).toEqual([{ key: 'k', kind: 'present', invert: true, missingAsEmpty: true }]);
  });

  const text = (value: Extract<NonNullable<MatcherInit['headerMatchSpecifier']>, { case: 'stringMatch' }>['value']) =>
    matched({ name: 'k', headerMatchSpecifier: { case: 'stringMatch', value } });

  test.each(['exact', 'prefix', 'suffix', 'contains'] as const)('string_match, %s', (kind) => {
    expect(text({ matchPattern: { case: kind, value: 'V' } })).toEqual([{ key: 'k', kind, value: 'V' }]);
    const ignoring = text({ matchPattern: { case: kind, value: 'V' }, ignoreCase: true });
    expect(ignoring).toEqual([{ key: 'k', kind, value: 'V', ignoreCase: true }]);
  });

  test('string_match: a pattern knows no case to ignore; an empty exact value is the empty one', () => {
    const regex = { case: 'safeRegex', value: { regex: '[a-z]' } } as const;
    expect(text({ matchPattern: regex, ignoreCase: true })).toEqual([{ key: 'k', kind: 'regex', value: '[a-z]' }]);
    expect(text({ matchPattern: { case: 'exact', value: '' } })).toEqual([{ key: 'k', kind: 'regex', value: '' }]);
  });

  test('come in one order, whatever the order of the server', () => {
    const exact = (name: string, value: string): MatcherInit => ({
      name,
      headerMatchSpecifier: { case: 'exactMatch', value },
    });
    const orders = [
      [exact('b', '1'), exact('a', '2'), exact('a', '1'), { name: 'a' }],
      [{ name: 'a' }, exact('a', '1'), exact('a', '2'), exact('b', '1')],
    ];
    const [one, other] = orders.map((headers) => matched(...headers));
    expect(one).toEqual(other);
  });

  test('what is none', () => {
    expect(wrong({ match: { headers: [{ name: '' }] } })).toBe(
      'virtual_hosts[0].routes[0].match.headers[0].name: is empty',
    );
    const stringMatch = { case: 'stringMatch', value: {} } as const;
    expect(wrong({ match: { headers: [{ name: 'k', headerMatchSpecifier: stringMatch }] } })).toBe(
      'virtual_hosts[0].routes[0].match.headers[0].string_match: has no pattern',
    );
  });
});

describe('routes', () => {
  test('mirrors: several, and any denominator; what is above it is everything', () => {
    const mirror = (numerator: number, denominator: FractionalPercent_DenominatorType) => ({
      cluster: 'm',
      runtimeFraction: { defaultValue: { numerator, denominator }, runtimeKey: 'routing.mirror' },
    });
    const { HUNDRED, TEN_THOUSAND, MILLION } = FractionalPercent_DenominatorType;
    const requestMirrorPolicies = [
      mirror(5, HUNDRED),
      mirror(57, TEN_THOUSAND),
      mirror(5699, MILLION),
      mirror(101, HUNDRED),
      { cluster: 'all' },
    ];
    expect(only(routeTo({ requestMirrorPolicies })).mirrors).toEqual([
      { cluster: 'm', perMillion: 50_000 },
      { cluster: 'm', perMillion: 5700 },
      { cluster: 'm', perMillion: 5699 },
      { cluster: 'm', perMillion: 1_000_000 },
      { cluster: 'all', perMillion: 1_000_000 },
    ]);
    const unknown = create(RuntimeFractionalPercentSchema, { defaultValue: { numerator: 1, denominator: 7 as never } });
    const refused = {
      requestMirrorPolicies: [
        { cluster: 'm', runtimeFraction: unknown },
        { cluster: 'm', runtimeFraction: {} },
      ],
    };
    expect(wrong(routeTo(refused))).toMatch(/denominator: is 7.*policies\[1\].runtime_fraction: has no default_value/);
  });

  test('weights: as they are, an empty list too, total_weight unread; one without a weight is refused', () => {
    const weighted = (clusters: { name: string; weight?: number }[]): RouteInit => ({
      action: {
        case: 'route',
        value: { clusterSpecifier: { case: 'weightedClusters', value: { clusters, totalWeight: 7 } } },
      },
    });
    expect(
      only(
        weighted([
          { name: 'x', weight: 0 },
          { name: 'y', weight: 30 },
        ]),
      ).destinations,
    ).toEqual([
      { cluster: 'x', weight: 0 },
      { cluster: 'y', weight: 30 },
    ]);
    expect(only(weighted([])).destinations).toEqual([]);
    expect(wrong(weighted([{ name: 'x' }]))).toMatch(/weighted_clusters.clusters\[0\].weight: is missing/);
  });

  test('hash keys: attributes only', () => {
    const header = (headerName: string) => ({ policySpecifier: { case: 'header', value: { headerName } } }) as const;
    expect(only(routeTo({ hashPolicy: [header('b'), header('a'), header('b')] })).hashKeys).toEqual(['b', 'a', 'b']);
    const cookie = { policySpecifier: { case: 'cookie', value: {} } } as const;
    expect(wrong(routeTo({ hashPolicy: [header('b'), cookie, { ...header('a'), terminal: true }] }))).toMatch(
      /hash_policy\[1\].cookie: is not supported.*hash_policy\[2\].terminal: is not supported/,
    );
  });

  test('attributes to set: with or without a word on overwriting; never appended', () => {
    const set = (more: MessageInitShape<typeof HeaderValueOptionSchema> = {}) =>
      create(HeaderValueOptionSchema, Object.assign({ header: { key: 'k', value: 'v' } }, more));
    const requestHeadersToAdd = [set(), set({ append: false }), set({ appendAction: 2 })];
    expect(only({ requestHeadersToAdd }).requestMutation).toEqual([
      ['k', 'v'],
      ['k', 'v'],
      ['k', 'v'],
    ]);
    for (const option of [set({ append: true }), set({ appendAction: 1 }), set({ appendAction: 3 })]) {
      expect(wrong({ responseHeadersToAdd: [option] })).toMatch(/response_headers_to_add\[0\].append.*is set/);
    }
  });

  test('lists are bounded', () => {
    const headers = Array.from({ length: MAX_OF_A_ROUTE + 1 }, () => ({ name: 'k' }));
    expect(wrong({ match: { headers } })).toMatch(/match.headers: has 1001 entries; at most 1000 are taken/);
    const routes = Array.from({ length: MAX_ROUTES + 1 }, () => TO_C);
    expect(String(translate(routes))).toMatch(/routes: has 10001 entries/);
  });

  test('of many problems the first are told', () => {
    const headers = Array.from({ length: 20 }, () => ({ name: '' }));
    expect(wrong({ match: { headers } })).toMatch(/headers\[7\].name: is empty; and 12 more$/);
  });
});

describe('a table', () => {
  test('is named <host>_<port>', () => {
    expect(parseServiceKey('org.apache.Demo_v1_20880')).toEqual({ host: 'org.apache.Demo_v1', port: 20880 });
    for (const none of ['', 'a', '_80', 'a_', 'a_0', 'a_080', 'a_65536', 'a_8x', `${'a'.repeat(600)}_80`]) {
      expect(parseServiceKey(none)).toBeUndefined();
    }
    expect(String(translate([TO_C], 'inbound|80||'))).toBe('name: is "inbound|80||"; it must be <host>_<port>');
  });

  test('has one virtual host, for any domain, with routes', () => {
    const hosts = (...virtualHosts: MessageInitShape<typeof RouteConfigurationSchema>['virtualHosts'] & object) =>
      String(routeTable(create(RouteConfigurationSchema, { name: 'a_80', virtualHosts }), 's', 'o'));
    expect(hosts()).toMatch(/has 0 entries; a service has one/);
    expect(hosts({ domains: ['*'] }, { domains: ['*'] })).toMatch(/has 2 entries; a service has one/);
    expect(hosts({ domains: ['x'], routes: [TO_C] })).toMatch(/domains: lacks "\*"/);
    expect(hosts({ domains: ['*'] })).toMatch(/has 0 entries; it must have from 1/);
  });
});

/** Set on a route that is fine otherwise, each field of each message is translated, known to be harmless, or named. */
describe('no field is passed over', () => {
  const HARMLESS = [
    ...['validate_clusters', 'most_specific_header_mutations_wins', 'max_direct_response_body_size_bytes'],
    ...['ignore_port_in_host_matching', 'ignore_path_parameters_in_path_matching', 'metadata'],
  ].map((name) => `RouteConfiguration.${name}`);
  HARMLESS.push(
    ...['VirtualHost.name', 'VirtualHost.domains', 'VirtualHost.metadata', 'HeaderValueOption.append'],
    ...['Route.metadata', 'Route.decorator', 'Route.tracing', 'Route.stat_prefix', 'RouteMatch.case_sensitive'],
    ...['RouteAction.cluster_not_found_response_code', 'WeightedCluster.total_weight'],
    ...['WeightedCluster.runtime_key_prefix', 'RequestMirrorPolicy.trace_sampled'],
    ...['RequestMirrorPolicy.disable_shadow_host_suffix_append', 'RuntimeFractionalPercent.runtime_key'],
    ...['HeaderValueOption.keep_empty_value', 'RegexMatcher.google_re2', 'GoogleRE2.max_program_size'],
  );

  const full = configuration([
    {
      match: {
        headers: [
          {
            name: 'a',
            headerMatchSpecifier: {
              case: 'safeRegexMatch',
              value: { engineType: { case: 'googleRe2', value: {} }, regex: 'x' },
            },
          },
          { name: 'b', headerMatchSpecifier: { case: 'rangeMatch', value: { start: 1n, end: 2n } } },
          {
            name: 'c',
            headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern: { case: 'exact', value: 'v' } } },
          },
        ],
      },
      action: {
        case: 'route',
        value: {
          clusterSpecifier: { case: 'weightedClusters', value: { clusters: [{ name: 'x', weight: 1 }] } },
          requestMirrorPolicies: [{ cluster: 'm', runtimeFraction: { defaultValue: { numerator: 1 } } }],
          hashPolicy: [{ policySpecifier: { case: 'header', value: { headerName: 'h' } } }],
        },
      },
      requestHeadersToAdd: [{ header: { key: 'k', value: 'v' } }],
    },
  ]);
  const bytes = toBinary(RouteConfigurationSchema, full);
  const before = routeTable(full, 's', 'o');

  test('the message itself is fine', () => expect(before).not.toBeInstanceOf(Problems));

  /** Visits every message within, with a way to reach the same one in a fresh copy. */
  function* places(
    desc: DescMessage,
    reach: (root: unknown) => unknown,
  ): Generator<[DescMessage, (root: unknown) => unknown]> {
    yield [desc, reach];
    const message = reflect(desc, reach(fromBinary(RouteConfigurationSchema, bytes)) as never);
    for (const field of desc.fields) {
      if (!message.isSet(field)) continue;
      const inner = (root: unknown) => reflect(desc, reach(root) as never);
      if (field.fieldKind === 'message' && field.message.typeName.startsWith('envoy.')) {
        yield* places(field.message, (root) => (inner(root).get(field) as { message: unknown }).message);
      } else if (
        field.fieldKind === 'list' &&
        field.listKind === 'message' &&
        field.message.typeName.startsWith('envoy.')
      ) {
        const { size } = inner(fromBinary(RouteConfigurationSchema, bytes)).get(field) as { size: number };
        for (let i = 0; i < size; i++) {
          const item = (root: unknown) => (inner(root).get(field) as { get(i: number): { message: unknown } }).get(i);
          yield* places(field.message, (root) => item(root).message);
        }
      }
    }
  }

  for (const [desc, reach] of places(RouteConfigurationSchema, (root) => root)) {
    for (const field of desc.fields) {
      test(`${desc.name}.${field.name}`, () => {
        const copy = fromBinary(RouteConfigurationSchema, bytes);
        setSample(desc, reach(copy), field);
        const after = routeTable(copy, 's', 'o');
        if (after instanceof Problems) expect(String(after)).toContain(field.name);
        else if (!HARMLESS.includes(`${desc.name}.${field.name}`)) expect(text(after)).not.toBe(text(before));
      });
    }
    test(`${desc.name}: a field that nobody knows`, () => {
      const copy = fromBinary(RouteConfigurationSchema, bytes);
      const data = new BinaryWriter().uint32(1).finish();
      (reach(copy) as { $unknown?: unknown[] }).$unknown = [{ no: 1999, wireType: WireType.Varint, data }];
      expect(String(routeTable(copy, 's', 'o'))).toMatch(/field 1999 is none that this version of Meltemi knows/);
    });
  }

  const text = (value: unknown) => JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `${each}` : each));

  function setSample(desc: DescMessage, message: unknown, field: DescField): void {
    const target = reflect(desc, message as never);
    if (field.fieldKind === 'list') {
      const list = target.get(field) as { add(...items: unknown[]): void; size: number; get(i: number): unknown };
      if (list.size > 0) list.add(list.get(0));
      else list.add(field.listKind === 'message' ? reflect(field.message) : 'sample');
    } else if (field.fieldKind === 'message') {
      target.set(field, reflect(field.message) as never);
    } else if (field.fieldKind === 'enum') {
      target.set(field, field.enum.values.at(-1)!.number);
    } else if (field.fieldKind === 'scalar') {
      const sample = target.isSet(field) ? target.get(field) : undefined;
      const values: Record<string, unknown> = { string: 'sample', boolean: true, number: 3, bigint: 3n };
      const kind = typeof (sample ?? scalarZero(field));
      target.set(field, (kind in values ? values[kind] : new Uint8Array([1])) as never);
    }
  }

  function scalarZero(field: DescField): unknown {
    return field.proto.type === 9
      ? ''
      : field.proto.type === 8
        ? false
        : field.proto.type === 12
          ? new Uint8Array()
          : field.proto.type === 3
            ? 0n
            : 0;
  }
});
