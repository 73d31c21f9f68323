import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  Adoption,
  type AdoptionChange,
  namedClusters,
  PATIENCE_MS,
  type RuleChange,
  RuleError,
  RuleStore,
  type ServiceRule,
} from '../../src/rules/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { FROM, route } from '../routing/rules.js';
import { cluster, endpoint, endpoints, remove, service, serviceTo, upsert } from './rules.js';

const FILE = { name: 'file', precedence: 300 };

function start(problemsOf: (rule: ServiceRule) => readonly RuleError[] = () => []) {
  const runtime = new ManualRuntime();
  const store = new RuleStore();
  const adoption = new Adoption({
    runtime,
    store,
    *check(rule) {
      yield;
      return problemsOf(rule);
    },
  });
  const seen: AdoptionChange[] = [];
  adoption.changes.subscribe((change) => seen.push(change));
  const say = (...batch: RuleChange[]) => {
    seen.length = 0;
    store.apply(FILE, batch);
  };
  const subsets = (host: string) =>
    adoption.services
      .get(`${host}_80`)
      ?.routes.flatMap(({ destinations }) => destinations.map((d) => d.cluster.split('|')[2]));
  return { runtime, store, adoption, seen, say, subsets };
}

describe('adoption', () => {
  test('takes what was in the store before it, and what belongs together in one change', () => {
    const { store, adoption, say, seen } = start();
    say(
      upsert.service(serviceTo('a', 'v1')),
      upsert.cluster(cluster('a', 'v1')),
      upsert.endpoints(endpoints('a', endpoint('1'))),
    );
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ held: [] });
    expect([...seen[0]!.services, ...seen[0]!.clusters, ...seen[0]!.endpoints]).toEqual([
      'a_80',
      'outbound|80|v1|a',
      'a_80',
    ]);
    const late = new Adoption({ runtime: new ManualRuntime(), store });
    expect(late.services).toEqual(adoption.services);
    expect(late.clusters).toEqual(adoption.clusters);
  });

  test('keeps the previous table while the new one waits for a cluster', () => {
    const { runtime, adoption, say, seen, subsets } = start();
    say(upsert.service(serviceTo('a', 'v1')), upsert.cluster(cluster('a', 'v1')));
    say(upsert.service(serviceTo('a', 'v1', 'v2')));
    expect(subsets('a')).toEqual(['v1']);
    expect(seen).toMatchObject([{ held: [{ unknown: ['outbound|80|v2|a'], problems: [] }] }]);
    runtime.advance(PATIENCE_MS - 1);
    expect(subsets('a')).toEqual(['v1']);
    say(upsert.cluster(cluster('a', 'v2')));
    expect(subsets('a')).toEqual(['v1', 'v2']);
    expect([...seen[0]!.services, ...seen[0]!.clusters]).toEqual(['a_80', 'outbound|80|v2|a']);
    expect(adoption.held.size).toBe(0);
    expect(runtime.pending).toBe(0);
  });

  test('waits 15 s for a cluster, however often the table changes meanwhile', () => {
    const { runtime, say, seen, subsets } = start();
    say(upsert.service(serviceTo('a', 'v1')), upsert.cluster(cluster('a', 'v1')));
    say(upsert.service(serviceTo('a', 'v2')));
    runtime.advance(10_000);
    say(upsert.service(serviceTo('a', 'v2', 'v3')));
    runtime.advance(4_999);
    expect(subsets('a')).toEqual(['v1']);
    runtime.advance(1);
    expect(subsets('a')).toEqual(['v1']);
    runtime.advance(9_999);
    seen.length = 0;
    runtime.advance(1);
    expect(subsets('a')).toEqual(['v2', 'v3']);
    expect([...seen[0]!.services]).toEqual(['a_80']);
    expect(runtime.pending).toBe(0);
  });

  test('waits anew for a cluster that no table asked for in the meantime', () => {
    const { runtime, say, subsets } = start();
    say(upsert.service(serviceTo('a', 'v1')), upsert.cluster(cluster('a', 'v1')));
    say(upsert.service(serviceTo('a', 'v2')));
    runtime.advance(10_000);
    say(upsert.service(serviceTo('a', 'v1')));
    runtime.advance(10_000);
    say(upsert.service(serviceTo('a', 'v2')));
    runtime.advance(PATIENCE_MS - 1);
    expect(subsets('a')).toEqual(['v1']);
    runtime.advance(1);
    expect(subsets('a')).toEqual(['v2']);
  });

  test('does not wait for a cluster that the table in force misses as well, nor for a first table', () => {
    const { runtime, say, subsets } = start();
    say(upsert.service(serviceTo('a', 'v1')));
    expect(subsets('a')).toEqual(['v1']);
    say(upsert.service(serviceTo('a', 'v1', 'v1')));
    expect(subsets('a')).toEqual(['v1', 'v1']);
    expect(runtime.pending).toBe(0);
  });

  test('goes back to the previous table without a change', () => {
    const { adoption, runtime, say, seen } = start();
    say(upsert.service(serviceTo('a', 'v1')), upsert.cluster(cluster('a', 'v1')));
    say(upsert.service(serviceTo('a', 'v2')));
    say(upsert.service(serviceTo('a', 'v1')));
    expect(seen).toEqual([]);
    expect(adoption.held.size).toBe(0);
    expect(runtime.pending).toBe(0);
  });

  test('keeps a removed cluster while a table in force names it', () => {
    const { adoption, say, seen } = start();
    const mirror = route('m', [], { mirrors: [{ cluster: 'outbound|80|v1|a', perMillion: 1 }] });
    say(
      upsert.service(serviceTo('a', 'v1')),
      upsert.service(service('b', { routes: [mirror] })),
      upsert.cluster(cluster('a', 'v1')),
    );
    say(remove.cluster('a', 'v1'));
    expect(seen).toEqual([]);
    expect(adoption.clusters.has('outbound|80|v1|a')).toBe(true);
    say(remove.service('b'));
    expect(adoption.clusters.has('outbound|80|v1|a')).toBe(true);
    say(upsert.service(serviceTo('a', 'v2')), upsert.cluster(cluster('a', 'v2')));
    expect([...adoption.clusters.keys()]).toEqual(['outbound|80|v2|a']);
    expect([...seen[0]!.clusters].sort()).toEqual(['outbound|80|v1|a', 'outbound|80|v2|a']);
  });

  test('takes a removed cluster that comes back as it is now', () => {
    const { adoption, say } = start();
    say(upsert.service(serviceTo('a', 'v1')), upsert.cluster(cluster('a', 'v1')));
    say(remove.cluster('a', 'v1'));
    say(upsert.cluster(cluster('a', 'v1', { connectTimeoutMs: 1 })));
    expect(adoption.clusters.get('outbound|80|v1|a')?.connectTimeoutMs).toBe(1);
    say(remove.service('a'));
    expect(adoption.clusters.has('outbound|80|v1|a')).toBe(true);
  });

  test('holds a table that cannot be used, for good, and checks it once', () => {
    let checked = 0;
    const { runtime, adoption, say, seen, subsets } = start((rule) => {
      checked++;
      return rule.routes.some(({ name }) => name === 'bad') ? [new RuleError('no good', FROM)] : [];
    });
    const bad = service('a', { routes: [route('bad', [])] });
    say(upsert.service(bad));
    expect(adoption.services.size).toBe(0);
    expect(seen[0]?.held[0]?.problems[0]?.message).toBe('test.yaml:1: no good');
    say(upsert.service(serviceTo('a', 'v1')));
    say(upsert.service(bad));
    expect(subsets('a')).toEqual(['v1']);
    say(upsert.cluster(cluster('z')));
    runtime.advance(2 * PATIENCE_MS);
    expect(subsets('a')).toEqual(['v1']);
    expect(checked).toBe(3);
    say(remove.service('a'));
    expect(adoption.services.size + adoption.held.size).toBe(0);
  });

  test('ends with no timer and no subscription left', () => {
    const { runtime, store, adoption, say } = start();
    say(upsert.service(serviceTo('a', 'v1')), upsert.cluster(cluster('a', 'v1')));
    say(upsert.service(serviceTo('a', 'v2')));
    expect(runtime.pending).toBe(1);
    adoption.close();
    expect(runtime.pending).toBe(0);
    store.apply(FILE, [remove.service('a')]);
    expect(adoption.services.size).toBe(1);
  });

  test('never loses a cluster in use, keeps none without reason, and arrives at the store in the end', () => {
    const host = fc.constantFrom('a', 'b');
    const subset = fc.constantFrom('v1', 'v2', 'v3');
    const change = fc.oneof(
      fc.tuple(host, fc.uniqueArray(subset, { minLength: 1 })).map(([h, s]) => upsert.service(serviceTo(h, ...s))),
      fc.tuple(host, subset).map(([h, s]) => upsert.cluster(cluster(h, s))),
      fc.tuple(host, subset).map(([h, s]) => remove.cluster(h, s)),
      host.map(remove.service),
    );
    const steps = fc.array(
      fc.oneof(fc.array(change, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 16_000 })),
    );
    fc.assert(
      fc.property(steps, (script) => {
        const { runtime, store, adoption, say } = start();
        let inForce = new Map<ServiceRule, readonly string[]>();
        for (const step of script) {
          if (typeof step === 'number') runtime.advance(step);
          else say(...step);
          const used = new Set([...adoption.services.values()].flatMap((rule) => [...namedClusters(rule)]));
          for (const [name] of adoption.clusters) expect(store.clusters.has(name) || used.has(name)).toBe(true);
          for (const [name] of store.clusters) expect(adoption.clusters.has(name)).toBe(true);
          const now = new Map<ServiceRule, readonly string[]>();
          for (const [key, rule] of adoption.services) {
            expect(store.services.has(key)).toBe(true);
            const known = [...namedClusters(rule)].filter((name) => adoption.clusters.has(name));
            expect(known).toEqual(expect.arrayContaining([...(inForce.get(rule) ?? [])]));
            now.set(rule, known);
          }
          inForce = now;
          expect(runtime.pending).toBe(adoption.held.size > 0 ? 1 : 0);
        }
        runtime.advance(PATIENCE_MS);
        expect(new Map(adoption.services)).toEqual(new Map(store.services));
      }),
      { numRuns: 300 },
    );
  });
});
