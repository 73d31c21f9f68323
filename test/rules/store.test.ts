import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { of, Subject, throwError } from 'rxjs';
import { type ChangeSet, type RuleChange, RuleStore, watchSource } from '../../src/rules/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { applied, changing, cluster, endpoint, endpoints, remove, service, serviceTo, upsert } from './rules.js';

const FILE = { name: 'file', precedence: 300 };
const REGISTRY = { name: 'registry', precedence: 100 };

function keys({ services, clusters, endpoints }: Pick<ChangeSet, 'services' | 'clusters' | 'endpoints'> = NONE) {
  return { services: [...services], clusters: [...clusters], endpoints: [...endpoints] };
}

const NOTHING = { services: [], clusters: [], endpoints: [] };
const NONE = { services: new Set<string>(), clusters: new Set<string>(), endpoints: new Set<string>() };

describe('a rule store', () => {
  test('applies a batch at once and tells its keys', () => {
    const store = new RuleStore();
    const seen: ChangeSet[] = [];
    const versions = [store.version];
    store.changes.subscribe((changes) => {
      expect(store.services.size + store.clusters.size + store.endpoints.size).toBe(3);
      versions.push(store.version);
      seen.push(changes);
    });
    const batch = [upsert.service(service('a')), upsert.cluster(cluster('a')), upsert.endpoints(endpoints('a'))];
    store.apply(FILE, batch);
    expect(seen.map(keys)).toEqual([{ services: ['a_80'], clusters: ['outbound|80||a'], endpoints: ['a_80'] }]);
    // Named anew, and the same whether it is asked for on the way or afterwards.
    expect(versions[0]).not.toBe(versions[1]);
    expect(versions[1]).toBe(store.version);
  });

  test('takes no notice of equal content, wherever it is written now', () => {
    const store = new RuleStore();
    store.apply(FILE, [upsert.service(service('a')), upsert.endpoints(endpoints('a', endpoint('1'), endpoint('2')))]);
    const { version } = store;
    let emitted = 0;
    store.changes.subscribe(() => emitted++);
    const moved = service('a', { from: { source: 'file', origin: 'other.yaml:7' } });
    const shuffled = endpoints('a', endpoint('2'), endpoint('1'));
    expect(keys(applied(store, FILE, [upsert.service(moved), upsert.endpoints(shuffled)]))).toEqual(NOTHING);
    expect(store.services.get('a_80')?.from.origin).toBe('other.yaml:7');
    expect(store.version).toBe(version);
    expect(store.revision).toBe(1);
    expect(emitted).toBe(0);
  });

  test('takes no notice of what a batch takes back itself', () => {
    const store = new RuleStore();
    store.apply(FILE, [upsert.service(service('a'))]);
    const batch = [
      remove.service('a'),
      upsert.service(service('b')),
      upsert.service(service('a')),
      remove.service('b'),
    ];
    expect(keys(applied(store, FILE, batch))).toEqual(NOTHING);
    expect(keys(applied(store, FILE, [remove.cluster('never')]))).toEqual(NOTHING);
  });

  test('keeps what the source of highest precedence says; taking that away reveals the next', () => {
    const store = new RuleStore();
    const registry = service('a', { createdAt: 1 });
    const file = service('a', { createdAt: 2 });
    store.apply(REGISTRY, [upsert.service(registry)]);
    expect(keys(applied(store, FILE, [upsert.service(file)])).services).toEqual(['a_80']);
    expect(keys(applied(store, REGISTRY, [upsert.service(service('a', { createdAt: 3 }))]))).toEqual(NOTHING);
    expect(store.services.get('a_80')).toBe(file);
    expect(keys(applied(store, FILE, [remove.service('a')])).services).toEqual(['a_80']);
    expect(store.services.get('a_80')?.createdAt).toBe(3);
    expect(keys(applied(store, FILE, [remove.service('a')]))).toEqual(NOTHING);
    store.apply(REGISTRY, [remove.service('a')]);
    expect(store.services.size).toBe(0);
  });

  test('lets the first registered of equal precedence win', () => {
    const store = new RuleStore();
    const late = { name: 'late', precedence: 300 };
    store.register(FILE);
    store.apply(late, [upsert.service(service('a', { createdAt: 2 }))]);
    store.apply(FILE, [upsert.service(service('a', { createdAt: 1 }))]);
    store.apply(late, [upsert.service(service('a', { createdAt: 3 }))]);
    expect(store.services.get('a_80')?.createdAt).toBe(1);
  });

  test('refuses two sources of one name', () => {
    const store = new RuleStore();
    store.register(FILE);
    expect(() => store.register({ name: 'file', precedence: 1 })).toThrow(/two rule sources are called 'file'/);
  });

  test('forgets a source with all that it has said', () => {
    const store = new RuleStore();
    store.apply(REGISTRY, [upsert.service(service('a')), upsert.cluster(cluster('a'))]);
    store.apply(FILE, [upsert.service(service('a')), upsert.service(service('b')), upsert.endpoints(endpoints('b'))]);
    expect(keys(changing(store, () => store.forget('file')))).toEqual({
      services: ['b_80'],
      clusters: [],
      endpoints: ['b_80'],
    });
    expect([...store.services.keys()]).toEqual(['a_80']);
    expect(store.sources.map(({ name }) => name)).toEqual(['registry']);
  });

  test('an address that is said twice counts once, and is found as long as it is said', () => {
    const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
    const list = fc.array(fc.constantFrom(...addresses), { maxLength: 5 });
    fc.assert(
      fc.property(fc.array(list, { minLength: 1, maxLength: 4 }), (lists) => {
        const store = new RuleStore();
        store.apply(FILE, [upsert.service(service('a'))]);
        for (const said of lists) {
          const rule = upsert.endpoints(endpoints('a', ...said.map((address) => endpoint(address))));
          store.apply(FILE, [rule]);
          const found = addresses.filter((address) => store.candidates(address, 20880).length > 0);
          expect(found).toEqual(addresses.filter((address) => said.includes(address)));
          const fresh = new RuleStore();
          fresh.apply(FILE, [upsert.service(service('a')), rule]);
          expect(store.version).toBe(fresh.version);
        }
      }),
    );
  });

  test('has snapshots that never change, one a version', () => {
    const store = new RuleStore();
    store.apply(FILE, [upsert.service(service('a'))]);
    const before = store.snapshot();
    expect(store.snapshot()).toBe(before);
    store.apply(FILE, [upsert.service(service('b'))]);
    expect([...before.services.keys()]).toEqual(['a_80']);
    expect(store.snapshot().version).toBe(store.version);
    expect(store.snapshot().version).not.toBe(before.version);
  });

  test('knows of each source what it has, whether it is in sync, and what it complains of', () => {
    const store = new RuleStore();
    const seen: [synced: boolean, problems: number][] = [];
    store.statuses.subscribe(({ source, problems }) => seen.push([source.synced, problems.length]));
    store.register(FILE);
    expect(store.synced).toBe(false);
    store.apply(FILE, [
      upsert.service(service('a')),
      upsert.service(service('a')),
      { type: 'problem', message: 'bad line 3' },
    ]);
    expect(store.sources).toMatchObject([
      {
        synced: false,
        problems: [{ severity: 'warning', message: 'bad line 3' }],
        rules: { service: 1, cluster: 0 },
        updates: 1,
        rejected: 0,
      },
    ]);
    store.apply(FILE, [{ type: 'complete' }]);
    store.apply(FILE, [{ type: 'complete' }]);
    expect(store.synced).toBe(true);
    expect(seen).toEqual([
      [false, 1],
      [true, 0],
    ]);
  });

  test('tells a problem once while it stands, and again when it is back', () => {
    const store = new RuleStore();
    const told: string[] = [];
    store.statuses.subscribe(({ problems }) => told.push(...problems.map(({ message }) => message)));
    const bad = { type: 'problem', message: 'bad', severity: 'error' } as const;
    const worse = { type: 'problem', message: 'worse' } as const;
    store.apply(FILE, [bad]);
    store.apply(FILE, [bad, worse]);
    store.apply(FILE, [{ type: 'state', state: 'stale' }]);
    expect(store.sources).toMatchObject([{ problems: [{ message: 'bad' }, { message: 'worse' }], rejected: 1 }]);
    store.apply(FILE, [{ type: 'complete' }]);
    store.apply(FILE, [bad]);
    expect(told).toEqual(['bad', 'worse', 'bad']);
    expect(store.sources).toMatchObject([{ problems: [{ message: 'bad' }], rejected: 2 }]);
  });

  test('knows how a source stands, since when, and why not better', () => {
    const runtime = new ManualRuntime();
    const store = new RuleStore(runtime);
    const seen: string[] = [];
    store.statuses.subscribe(({ source, before, error }) => seen.push(`${before} > ${source.state}: ${error}`));
    store.register(REGISTRY);
    const began = runtime.wallNow();
    expect(store.sources).toMatchObject([
      { state: 'connecting', since: began, version: undefined, changedAt: undefined },
    ]);
    runtime.advance(10);
    store.apply(REGISTRY, [{ type: 'state', state: 'connecting', error: 'refused' }]);
    runtime.advance(10);
    store.apply(REGISTRY, [
      upsert.service(service('a')),
      { type: 'complete' },
      { type: 'state', state: 'live', version: '7' },
    ]);
    const live = { state: 'live', since: began + 20, changedAt: began + 20, version: '7' };
    expect(store.sources).toMatchObject([live]);
    runtime.advance(10);
    store.apply(REGISTRY, [{ type: 'state', state: 'live' }]);
    expect(store.sources).toMatchObject([live]);
    store.apply(REGISTRY, [{ type: 'state', state: 'stale', error: 'gone' }]);
    const lastError = { message: 'gone', at: began + 30 };
    const stale = { state: 'stale', since: began + 30, changedAt: began + 20, version: '7', synced: true, lastError };
    expect(store.sources).toMatchObject([stale]);
    store.fail(REGISTRY, 'for good');
    expect(store.sources).toMatchObject([{ state: 'failed', lastError: { message: 'for good' }, version: '7' }]);
    expect(seen).toEqual([
      'connecting > connecting: refused',
      'connecting > live: undefined',
      'live > stale: gone',
      'stale > failed: for good',
    ]);
  });

  test('is the same after any batches as after saying only what is left of them', () => {
    const host = fc.constantFrom('a', 'b', 'c');
    const address = fc.uniqueArray(fc.constantFrom('1', '2', '3', '4'), { maxLength: 4 });
    const change: fc.Arbitrary<RuleChange> = fc.oneof(
      fc.tuple(host, address).map(([h, addresses]) => upsert.service(service(h, { addresses }))),
      fc.tuple(host, fc.nat(2)).map(([h, n]) => upsert.cluster(cluster(h, '', { connectTimeoutMs: n + 1 }))),
      fc.tuple(host, address).map(([h, list]) => upsert.endpoints(endpoints(h, ...list.map((a) => endpoint(a))))),
      host.map(remove.service),
      host.map((h) => remove.cluster(h)),
      host.map(remove.endpoints),
    );
    const batches = fc.array(fc.tuple(fc.constantFrom(FILE, REGISTRY), fc.array(change, { maxLength: 4 })), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(batches, (said) => {
        const store = new RuleStore();
        const mirror = { services: new Map(), clusters: new Map(), endpoints: new Map() };
        store.changes.subscribe((changes) => {
          for (const kind of ['services', 'clusters', 'endpoints'] as const) {
            for (const key of changes[kind]) {
              const rule = store[kind].get(key);
              expect(rule).not.toEqual(mirror[kind].get(key));
              if (rule === undefined) mirror[kind].delete(key);
              else mirror[kind].set(key, rule);
            }
          }
        });
        for (const [source, batch] of said) store.apply(source, batch);
        const fresh = new RuleStore();
        fresh.apply(FILE, [
          ...[...mirror.endpoints.values()].map(upsert.endpoints),
          ...[...mirror.clusters.values()].map(upsert.cluster),
          ...[...mirror.services.values()].map(upsert.service),
        ]);
        expect(fresh.version).toBe(store.version);
        for (const at of ['1', '2', '3', '4']) {
          for (const port of [80, 20880]) {
            expect(store.candidates(at, port).map(({ key }) => key)).toEqual(
              fresh.candidates(at, port).map(({ key }) => key),
            );
          }
        }
        for (const name of [FILE.name, REGISTRY.name]) store.forget(name);
        expect(store.version).toBe(new RuleStore().version);
        expect(store.candidates('1', 20880)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a watched source', () => {
  test('feeds the store until it is let go; what it said stays', () => {
    const store = new RuleStore();
    const batches = new Subject<readonly RuleChange[]>();
    const subscription = watchSource(store, { ...FILE, watch: () => batches });
    expect(store.sources).toMatchObject([{ name: 'file', synced: false, state: 'connecting' }]);
    batches.next([upsert.service(service('a')), { type: 'complete' }]);
    expect(store.synced).toBe(true);
    subscription.unsubscribe();
    expect(batches.observed).toBe(false);
    expect(store.services.size).toBe(1);
  });

  test('that errors is marked as failed, one that completes is not', () => {
    const store = new RuleStore();
    watchSource(store, { ...FILE, watch: () => throwError(() => new Error('no such folder')) });
    watchSource(store, { ...REGISTRY, watch: () => of([upsert.service(service('a'))]) });
    expect(store.sources).toMatchObject([
      { state: 'failed', lastError: { message: 'no such folder' } },
      { state: 'connecting' },
    ]);
    expect(store.services.size).toBe(1);
  });
});

describe('the services at an address', () => {
  const store = new RuleStore();
  store.apply(FILE, [
    upsert.service(service('demo', { addresses: ['10.0.0.1'], createdAt: 2 })),
    upsert.service(service('other', { addresses: ['10.0.0.1'], createdAt: 1 })),
    upsert.service(service('b-same-age', { addresses: ['10.0.0.1'], createdAt: 1 })),
    upsert.service(service('10.0.0.9', { addresses: [] })),
    upsert.service(service('clash', { addresses: ['10.0.0.9'] })),
    upsert.service(service('*.b.c')),
    upsert.service(service('*.c')),
    upsert.endpoints(endpoints('demo', endpoint('192.168.0.1'), endpoint('10.0.0.1', { port: 80 }))),
    upsert.endpoints(endpoints('other', endpoint('192.168.0.1'), endpoint('192.168.0.1', { port: 1 }))),
    upsert.endpoints(endpoints('unknown', endpoint('192.168.0.1'))),
  ]);

  test.each<[string, number, string[]]>([
    ['demo', 80, ['demo']],
    ['demo', 81, []],
    ['10.0.0.1', 80, ['b-same-age', 'other', 'demo']],
    ['10.0.0.9', 80, ['10.0.0.9']],
    ['192.168.0.1', 20880, ['other', 'demo']],
    ['192.168.0.1', 1, ['other']],
    ['x.b.c', 80, ['*.b.c']],
    ['x.y.b.c', 80, ['*.b.c']],
    ['b.c', 80, ['*.c']],
    ['c', 80, []],
    ['x.c', 81, []],
  ])('%s:%d are %p', (host, port, hosts) => {
    expect(store.candidates(host, port).map((candidate) => candidate.host)).toEqual(hosts);
  });

  test('of a host, on all its ports: by its own name alone', () => {
    const hosts = new RuleStore();
    hosts.apply(FILE, [
      upsert.service(service('demo', { createdAt: 2 })),
      upsert.service(service('demo', { port: 81, createdAt: 1 })),
    ]);
    hosts.apply(FILE, [upsert.service(service('*.c')), upsert.service(service('a', { addresses: ['10.0.0.1'] }))]);
    expect(hosts.servicesOf('demo').map(({ port }) => port)).toEqual([81, 80]);
    expect(['x.c', '10.0.0.1', 'nobody'].flatMap((host) => hosts.servicesOf(host))).toEqual([]);
    hosts.forget(FILE.name);
    expect(hosts.servicesOf('demo')).toEqual([]);
  });

  test('are found by a lone * last', () => {
    store.apply(FILE, [upsert.service(service('*'))]);
    expect(store.candidates('c', 80).map(({ host }) => host)).toEqual(['*']);
    expect(store.candidates('a.c', 80).map(({ host }) => host)).toEqual(['*.c']);
  });
});

test('serviceTo of the test kit names its subsets', () => {
  expect(serviceTo('a', 'v1').routes[0]?.destinations[0]?.cluster).toBe('outbound|80|v1|a');
});
