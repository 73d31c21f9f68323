import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readRules } from '../../../adapters/sources/file/index.js';
import { decode, encode } from '../../../src/rules/last-good/format.js';
import type { StoredRules } from '../../../src/rules/last-good/last-good.js';
import type { RuleUpsert } from '../../../src/rules/model.js';
import { route } from '../../routing/rules.js';
import { cluster, endpoint, endpoints, service } from '../rules.js';

const examples = join(import.meta.dirname, '../../../examples/rules/dubbo');

/** Those of the demo of weights, hashes, mirrors and limits. */
function exampleRules(): RuleUpsert[] {
  const texts = new Map(readdirSync(examples).map((name) => [name, readFileSync(join(examples, name), 'utf8')]));
  const { services, clusters, endpoints: sets } = readRules(texts);
  return [
    ...services.map((rule) => ({ type: 'upsert', kind: 'service', rule }) as const),
    ...clusters.map((rule) => ({ type: 'upsert', kind: 'cluster', rule }) as const),
    ...sets.map((rule) => ({ type: 'upsert', kind: 'endpoints', rule }) as const),
  ];
}

const bucket = { maxTokens: 1, tokensPerFill: 1, fillIntervalMs: 1000 };
const limits = { maxConnections: Number.POSITIVE_INFINITY, maxPendingRequests: 1, maxRequests: 1, maxRetries: 3 };
const outlier = {
  consecutiveErrors: 5,
  intervalMs: 1,
  baseEjectionMs: 1,
  maxEjectionMs: 1,
  maxEjectionPercent: 10,
  minHealthPercent: 0,
};
const from = { source: 'metards', origin: 'metards:a' };
const full = {
  timeoutMs: 1,
  attemptTimeoutMs: 2,
  retry: {
    attempts: 1,
    backoffBaseMs: 1,
    backoffMaxMs: 2,
    idempotent: ['a'],
    budget: { percent: 20, minPerSecond: 1, ttlMs: 1 },
  },
  circuitBreaker: { errorPercent: 50, minimumCalls: 1, windowMs: 1, openMs: 1 },
  limits: { maxRetries: Number.POSITIVE_INFINITY },
  rateLimit: { bucket: undefined, conditions: [{ match: [{ kind: 'present', key: 'a' }], bucket }] },
  pacing: { ratePerSecond: 1, maxQueued: 1 },
  fallback: { on: ['DEADLINE'], cluster: 'c' },
  outlier,
} as const;

/** What no example has. */
const RARE: RuleUpsert[] = [
  {
    type: 'upsert',
    kind: 'routes',
    rule: {
      key: 'a_80',
      routes: [
        route('r', [
          { kind: 'range', key: 'n', start: -(2n ** 63n), end: 2n ** 63n - 1n, invert: true },
          { kind: 'contains', key: 'k', value: 'v\n\u2028', ignoreCase: true, missingAsEmpty: true },
        ]),
      ],
      from,
    },
  },
  {
    type: 'upsert',
    kind: 'service',
    rule: service('b', {
      routesByDefault: true,
      routePolicies: [['r', full]],
      policy: full,
      serviceKey: 'k',
      protocol: undefined,
    }),
  },
  {
    type: 'upsert',
    kind: 'cluster',
    rule: cluster('c', 's', {
      limits,
      outlier,
      localityFailover: false,
      labels: JSON.parse('{"__proto__":"a","constructor":"b"}'),
      balancer: { kind: 'ring-hash', minimumRingSize: 1, maximumRingSize: 2 },
      policy: { retry: { ...full.retry, idempotent: true } },
    }),
  },
  {
    type: 'upsert',
    kind: 'endpoints',
    rule: endpoints('d', endpoint('10.0.0.1'), endpoint('10.0.0.2', { tlsMode: 'istio' })),
  },
  { type: 'upsert', kind: 'endpoints', rule: endpoints('e') },
];

const STORED: StoredRules = { version: '17', savedAt: 5, rules: [...exampleRules(), ...RARE] };

function written(rules: StoredRules = STORED, source = 'metards'): Buffer {
  return Buffer.concat([...encode(source, rules)]);
}

/** A file whose checksum is right, whatever it says. */
function forged(...lines: unknown[]): Buffer {
  const [head] = written({ ...STORED, rules: [] })
    .toString()
    .split('\n');
  const all = [
    JSON.stringify({ ...JSON.parse(head!), rules: lines.length }),
    ...lines.map((line) => JSON.stringify(line)),
  ];
  const [, sum] = /"sha256":"(\w+)"/.exec(resummed(all.join('\n')))!;
  return Buffer.from(`${all.join('\n')}\n{"sha256":"${sum}"}\n`);
}

function resummed(body: string): string {
  return `{"sha256":"${createHash('sha256').update(`${body}\n`).digest('hex')}"}`;
}

describe('stored rules', () => {
  test('are read as they were, and frozen', () => {
    const read = decode('metards', written());
    expect(read).toEqual(STORED);
    expect(STORED.rules.length).toBeGreaterThan(8);
    for (const { rule } of read.rules) expect(Object.isFrozen(rule)).toBe(true);
    const labels = read.rules.flatMap((it) => (it.kind === 'cluster' && it.rule.host === 'c' ? [it.rule.labels] : []));
    expect(Object.keys(labels[0]!)).toEqual(['__proto__', 'constructor']);
  });

  test('are made in pieces, so that many endpoints hold nobody up', () => {
    const many = Array.from({ length: 1000 }, (_, i) => endpoint(`10.0.${i >> 8}.${i & 255}`));
    const rules: RuleUpsert[] = [{ type: 'upsert', kind: 'endpoints', rule: endpoints('many', ...many) }];
    const pieces = [...encode('s', { version: undefined, savedAt: 0, rules })];
    expect(Math.max(...pieces.map((it) => it.length))).toBeLessThan(70_000);
    expect(decode('s', Buffer.concat(pieces)).rules).toEqual(rules);
  });

  test('are refused when they were cut, changed, or are of another source', () => {
    const bytes = written();
    const refused = (other: Buffer) => expect(() => decode('metards', other)).toThrow();
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        refused(bytes.subarray(0, at));
        const changed = Buffer.from(bytes);
        changed[at] = changed[at]! ^ by;
        refused(changed);
      }),
      { numRuns: 60 },
    );
    refused(Buffer.from(`${bytes}x`));
    expect(() => decode('other', bytes)).toThrow("it is of the source 'metards'");
    expect(() => decode('metards', Buffer.alloc(0))).toThrow();
    const next = Buffer.from(bytes.toString().replace('"format":1', '"format":2'));
    expect(() => decode('metards', next)).toThrow('it is of format 2, and this version reads 1');
  });

  test('are refused when their shape is another, with the place', () => {
    const rule = JSON.parse(JSON.stringify(endpoints('d', endpoint('10.0.0.1'))));
    const table = JSON.parse(
      JSON.stringify(RARE[0], (_, value) => (typeof value === 'bigint' ? String(value) : value)),
    ).rule;
    const refusal = (line: unknown) => {
      try {
        decode('metards', forged(line));
      } catch (error) {
        return (error as Error).message;
      }
      return 'none';
    };
    expect(refusal({ kind: 'endpoints', rule })).toBe('none');
    expect(refusal({ kind: 'routes', rule: table })).toBe('none');
    expect(refusal(null)).toBe('rule 1: (top): must be an object');
    expect(refusal({ kind: 'toString', rule })).toBe(
      'rule 1: kind: must be one of service, routes, cluster, endpoints',
    );
    expect(refusal({ kind: 'endpoints', rule: { ...rule, key: 1 } })).toBe('rule 1: rule.key: must be a string');
    expect(refusal({ kind: 'endpoints', rule: { ...rule, more: 1 } })).toContain('rule.more: must be left out');
    const { weight: _, ...light } = rule.endpoints[0];
    expect(refusal({ kind: 'endpoints', rule: { ...rule, endpoints: [light] } })).toBe(
      'rule 1: rule.endpoints.0.weight: must be a number',
    );
    table.routes[0].match[0].end = '1e3';
    expect(refusal({ kind: 'routes', rule: table })).toBe(
      'rule 1: rule.routes.0.match.0.end: must be a whole number as a string',
    );
    table.routes[0].match[0] = { kind: 'like', key: 'a' };
    expect(refusal({ kind: 'routes', rule: table })).toMatch(/routes\.0\.match\.0\.kind: must be one of exact, /);
  });
});
