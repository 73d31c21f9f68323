/** Changes that take many slices: what is seen meanwhile, and what comes of them. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Adoption, type AdoptionChange, type Follower, type RuleChange, RuleStore } from '../../src/rules/index.js';
import type { Work } from '../../src/runtime/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { route } from '../routing/rules.js';
import { cluster, endpoint, endpoints, remove, service, serviceTo, table, upsert } from './rules.js';
import { SteppedQueue } from './stepped.js';

const FILE = { name: 'file', precedence: 300 };
const REGISTRY = { name: 'registry', precedence: 100 };
const ADDRESSES = ['1', '2', '3'];

function rules(work?: SteppedQueue) {
  const runtime = new ManualRuntime();
  const store = new RuleStore(runtime, work);
  const adoption = new Adoption({ runtime, store, ...(work && { work }) });
  return { runtime, store, adoption };
}

/** All that calls are decided by. */
function seen({ store, adoption }: ReturnType<typeof rules>) {
  return {
    version: store.version,
    revision: store.revision,
    services: new Map(store.services),
    clusters: new Map(store.clusters),
    endpoints: new Map(store.endpoints),
    adopted: new Map(adoption.services),
    adoptedClusters: new Map(adoption.clusters),
    held: new Map(adoption.held),
    at: ADDRESSES.map((address) => store.candidates(address, 20880).map(({ key }) => key)),
    virtual: ADDRESSES.map((address) => store.candidates(address, 80).map(({ key }) => key)),
  };
}

const host = fc.constantFrom('a', 'b', '*.c');
const address = fc.uniqueArray(fc.constantFrom(...ADDRESSES));
const subset = fc.constantFrom('v1', 'v2');
const change: fc.Arbitrary<RuleChange> = fc.oneof(
  fc.tuple(host, fc.uniqueArray(subset)).map(([h, subsets]) => upsert.service(serviceTo(h, ...subsets))),
  fc.tuple(host, address).map(([h, addresses]) => upsert.service(service(h, { addresses }))),
  fc.tuple(host, subset).map(([h, s]) => upsert.cluster(cluster(h, s))),
  fc.tuple(host, address).map(([h, list]) => upsert.endpoints(endpoints(h, ...list.map((a) => endpoint(a))))),
  fc.tuple(host, fc.nat(3)).map(([h, n]) => upsert.routes(table(h, `${n}`))),
  host.map(remove.service),
  host.map(remove.endpoints),
  host.map(remove.routes),
  fc.tuple(host, subset).map(([h, s]) => remove.cluster(h, s)),
  fc.constant<RuleChange>({ type: 'complete' }),
  fc.constant<RuleChange>({ type: 'problem', message: 'bad line 3' }),
);
const batch = fc.tuple(fc.constantFrom(FILE, REGISTRY), fc.array(change, { maxLength: 6 }));

describe('a change in slices', () => {
  test('is seen whole or not at all at each step, in order, and comes to what it comes to in one go', () => {
    const script = fc.array(fc.oneof(batch, fc.integer({ min: 1, max: 16_000 }), fc.constant('forget' as const)), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(script, fc.boolean(), (steps, together) => {
        const work = new SteppedQueue();
        const sliced = rules(work);
        const whole = rules();
        const expected = [text(seen(whole))];
        const settle = () => {
          let at = 0;
          const check = () => {
            const now = text(seen(sliced));
            while (at < expected.length - 1 && now !== expected[at]) at++;
            expect(now).toBe(expected[at]);
          };
          check();
          while (work.step()) check();
          check();
          expect(seen(sliced)).toEqual(seen(whole));
          expect(sliced.store.sources).toEqual(whole.store.sources);
          expected.splice(0, expected.length - 1);
        };
        for (const step of steps) {
          if (typeof step === 'number') {
            settle();
            whole.runtime.advance(step);
            sliced.runtime.advance(step);
          } else if (step === 'forget') {
            settle();
            whole.store.forget('file');
            sliced.store.forget('file');
          } else {
            whole.store.apply(...step);
            sliced.store.apply(...step);
          }
          expected.push(text(seen(whole)));
          if (!together) settle();
        }
        settle();
      }),
      { numRuns: 60 },
    );
  });

  test('reaches those who follow it before, at and after the moment from which it is seen', () => {
    const work = new SteppedQueue();
    const all = rules(work);
    const log: string[] = [];
    const note = (what: string) => log.push(`${what}: ${all.adoption.services.size} of ${all.store.services.size}`);
    const follower: Follower<AdoptionChange> = {
      *stage(): Work {
        yield;
        note('stage');
        yield;
      },
      commit: () => note('commit'),
      *settle(): Work {
        yield;
        note('settle');
      },
    };
    all.adoption.follow(follower);
    all.adoption.changes.subscribe(() => note('changes'));
    all.store.apply(FILE, [upsert.service(service('a')), upsert.service(service('b'))]);
    work.finish();
    expect(log).toEqual(['stage: 0 of 0', 'commit: 2 of 2', 'changes: 2 of 2', 'settle: 2 of 2']);
  });

  test('is made in steps that are short, however large a rule is', () => {
    const work = new SteppedQueue();
    const { store } = rules(work);
    const big = (salt: string) => [
      upsert.service(service('a', { routes: Array.from({ length: 500 }, (_, i) => route(`${salt}${i}`, [])) })),
      upsert.endpoints(endpoints('a', ...Array.from({ length: 500 }, (_, i) => endpoint(`${salt}${i}`)))),
    ];
    for (const salt of ['x', 'y']) {
      store.apply(FILE, big(salt));
      let steps = 0;
      while (work.step()) steps++;
      expect(steps).toBeGreaterThan((2 * 500) / 64);
    }
  });

  test('that is no rule changes nothing, and the next is taken', () => {
    const store = new RuleStore();
    store.apply(FILE, [upsert.service(service('a', { addresses: ['1'] }))]);
    const { version } = store;
    const broken = upsert.service({ ...service('b'), addresses: undefined } as never);
    expect(() => store.apply(FILE, [upsert.service(service('a')), remove.service('a'), broken])).toThrow(TypeError);
    expect([...store.services.keys()]).toEqual(['a_80']);
    expect(store.version).toBe(version);
    expect(store.candidates('1', 80)).toHaveLength(1);
    store.apply(FILE, [remove.service('b'), upsert.service(service('c'))]);
    expect([...store.services.keys()].sort()).toEqual(['a_80', 'c_80']);
  });
});

/** Keys of maps sorted: a map that is settled key by key may list them in another order. */
function text(of: unknown): string {
  return JSON.stringify(of, (_, value) => (value instanceof Map ? [...value].sort(byKey) : value));
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
