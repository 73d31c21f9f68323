import { describe, expect, test } from '@jest/globals';
import { MAX_PROGRAM, re2 } from '../../../../adapters/engines/re2.js';
import { MAX_REGEX_PROGRAM } from '../../../../adapters/sources/file/kinds/rate-limit.js';
import { parseRules } from '../../../../adapters/sources/file/parse.js';
import { findings, metaRouter, serviceEntry } from './support.js';

const router = (spec: string) => findings(serviceEntry('a.demo') + metaRouter('a.demo', spec));
/** A MetaRouter with one route to its own service. */
const route = (fields: string) => router(`  routes:\n  - route: [{ destination: { host: a.demo } }]\n    ${fields}`);

describe('objects', () => {
  test('that are none of ours are counted, also those of another group', () => {
    const { objects, skipped, problems } = parseRules(
      'apiVersion: apps/v1\nkind: Deployment\n---\napiVersion: serving.knative.dev/v1\nkind: Service\n---\napiVersion: apps/v1\nkind: Deployment',
      'a.yaml',
    );
    expect([...skipped]).toEqual([
      ['Deployment', 2],
      ['Service', 1],
    ]);
    expect({ objects, problems }).toEqual({ objects: [], problems: [] });
  });

  test('that look like a misspelt one of ours are told', () => {
    const texts = [
      'metaprotocol.aeraki.io/v1alpha1\nkind: MetaRoute',
      'metaprotocol.areaki.io/v1alpha1\nkind: MetaRouter',
    ];
    expect(findings(texts.map((it) => `apiVersion: ${it}`).join('\n---\n'))).toEqual([
      '1:1 warning : kind MetaRoute is unknown in metaprotocol.aeraki.io/v1alpha1 and skipped; known there: MetaRouter, ApplicationProtocol',
      '4:1 warning : a MetaRouter of metaprotocol.areaki.io/v1alpha1 is skipped; ours is of metaprotocol.aeraki.io/v1alpha1',
    ]);
    expect(findings('apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy')).toEqual([]);
  });

  test('of a List are read one by one, with their places', () => {
    const text = `apiVersion: v1\nkind: List\nitems:\n- apiVersion: metaprotocol.aeraki.io/v1alpha1\n  kind: MetaRouter
  metadata: { name: x }\n  spec: { hosts: x, wrong: 1 }`;
    expect(findings(text)).toEqual([
      expect.stringMatching(/^7:21 error spec.wrong: unknown field; known here: hosts, /),
      '7:11 error spec.hosts: must be a list, but is "x"',
    ]);
  });

  test('that are not even that are told', () => {
    expect(findings('just text\n---\n- a\n---\nkind: MetaRouter')).toEqual([
      '1:1 error : is no Kubernetes object: it needs apiVersion, kind and metadata',
      '3:1 error : is no Kubernetes object: it needs apiVersion, kind and metadata',
      '5:1 error : needs apiVersion and kind, both text',
    ]);
  });

  test('need a known version, a name and a spec', () => {
    expect(findings('apiVersion: metaprotocol.aeraki.io/v9\nkind: MetaRouter')).toEqual([
      '1:1 error apiVersion: version v9 is unknown; known are v1alpha1',
      '1:1 tolerated metadata: needs a name',
      '1:1 error spec: is missing; it must be a map',
    ]);
  });

  test('may be written with the names of protobuf, and with null for what is unset', () => {
    const text =
      serviceEntry('a.demo') +
      metaRouter(
        'a.demo',
        '  local_rate_limit: { token_bucket: { max_tokens: 2, tokens_per_fill: 2, fill_interval: 60s } }\n  routes: null\n  exportTo: null',
      );
    expect(findings(text)).toEqual([]);
    expect(parseRules(text, 'a').objects[1]!.spec).toMatchObject({
      localRateLimit: { tokenBucket: { maxTokens: 2, tokensPerFill: 2, fillInterval: 60_000 } },
    });
  });
});

describe('every problem is told at once, with its place', () => {
  test('wrong types, unknown and missing fields', () => {
    const text = `apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: x, labels: { a: 1 }, creationTimestamp: yesterday }
spec:
  hosts: a.demo
  routes:
  - match:
      attributes:
        method: { exact: 153 }
        cmd: { exakt: a }
        both: { exact: a, prefix: b }
        bad: { regex: "(" }
    route:
    - destination: { subset: v1, port: { number: 70000 } }
      weight: -1
  - mirror: { host: "" }
    mirrorPercentage: { value: 101 }
    requestMutation: [{ value: x }]
  localRateLimit:
    tokenBucket: { maxTokens: 0, fillInterval: 60 }
    conditions: [{ match: {} }]`;
    expect(findings(text)).toEqual(
      [
        '3:32 error metadata.labels.a: must be text, but is 1; quote it',
        '3:40 error metadata.creationTimestamp: must be a time such as 2026-01-31T09:00:00Z',
        '10:16 error spec.routes[0].match.attributes.cmd.exakt: unknown field; known here: exact, prefix, regex',
        '5:3 error spec.hosts: must be a list, but is "a.demo"',
        '9:19 error spec.routes[0].match.attributes.method.exact: must be text, but is 153; quote it',
        '11:9 error spec.routes[0].match.attributes.both: takes one of exact, prefix and regex, but has exact and prefix',
        expect.stringMatching(
          /^12:16 error spec.routes\[0\].match.attributes.bad.regex: is no RE2 expression: .*missing closing/,
        ),
        '14:7 error spec.routes[0].route[0].destination.host: is missing; it must be text',
        '14:42 error spec.routes[0].route[0].destination.port.number: must be at most 65535, but is 70000',
        '15:7 error spec.routes[0].route[0].weight: must be at least 0, but is -1',
        '16:15 error spec.routes[1].mirror.host: must not be empty',
        '17:25 error spec.routes[1].mirrorPercentage.value: must be at most 100, but is 101',
        '18:23 error spec.routes[1].requestMutation[0].key: is missing; it must be text',
        '20:20 error spec.localRateLimit.tokenBucket.maxTokens: must be at least 1, but is 0',
        '20:34 error spec.localRateLimit.tokenBucket.fillInterval: must be a duration such as 100ms, 5s or 1m30s, but is 60',
        '21:18 error spec.localRateLimit.conditions[0].tokenBucket: is missing; it must be a map',
      ].map((each) => each),
    );
  });

  test('keys that could reach a prototype are refused, not dropped', () => {
    expect(route('match: { attributes: { __proto__: { exact: a } } }')).toEqual([
      expect.stringContaining('attributes.__proto__: this key is not allowed'),
    ]);
    expect(route('match: { attributes: { constructor: { exact: a } } }')).toEqual([]);
  });

  test('patterns are checked as the engine that runs them checks them', () => {
    expect(MAX_REGEX_PROGRAM).toBe(MAX_PROGRAM);
    const large = `(abc){${MAX_PROGRAM}}`;
    expect(() => re2.compile(large)).toThrow();
    expect(route(`match: { attributes: { m: { regex: "${large}" } } }`)).toEqual([
      expect.stringContaining('regex: is '),
    ]);
    expect(route('match: { attributes: { m: { regex: "^(?i)[a-z]+$" } } }')).toEqual([]);
  });
});

describe("what Aeraki's admission refuses is an error that does not keep the rules from being served", () => {
  test.each([
    ['no destination', '  routes: [{ name: x }]', 'has no destination'],
    [
      'weights that do not sum to 100',
      '  routes: [{ route: [{ weight: 1, destination: { host: a.demo } }, { weight: 98, destination: { host: a.demo } }] }]',
      'weights sum to 99',
    ],
    ['nothing said', '', 'says nothing'],
    [
      'a mirror percentage of 0',
      '  routes: [{ route: [{ destination: { host: a.demo } }], mirror: { host: a.demo }, mirrorPercentage: {} }]',
      'counts as 100',
    ],
    [
      'an odd host',
      '  routes: [{ route: [{ destination: { host: a.demo } }], mirror: { host: a_b } }]',
      'not a full domain name',
    ],
    [
      'a limit without fill',
      '  localRateLimit: { tokenBucket: { maxTokens: 1, fillInterval: 1s } }',
      'needs tokensPerFill; 1 is taken',
    ],
  ])('%s', (_, spec, message) => {
    const found = router(spec);
    expect(found).toContainEqual(expect.stringMatching(new RegExp(`^\\d+:\\d+ tolerated .*${message}`)));
    expect(found.filter((each) => / error /.test(each))).toEqual([]);
  });
});

describe('fields without effect', () => {
  test('are warned of by name, not dropped silently', () => {
    expect(router('  gateways: [g]\n  globalRateLimit: { domain: d }\n  exportTo: [a, b]')).toEqual([
      expect.stringContaining('warning spec.gateways: gateways have no effect'),
      expect.stringContaining('warning spec.globalRateLimit: global rate limits are not supported yet'),
      expect.stringContaining('warning spec.exportTo: is ignored where routes are concerned, as by MetaRDS'),
    ]);
  });
});
