import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Subject, type Subscription, throwError } from 'rxjs';
import {
  type LastGoodStore,
  PATIENCE_MS,
  type RuleChange,
  RuleStore,
  type RuleUpsert,
  type ServiceRule,
  watchSource,
  withLastGood,
} from '../../../src/rules/index.js';
import type { StoredRules } from '../../../src/rules/last-good/last-good.js';
import { ManualRuntime } from '../../../src/testing/index.js';
import { remove, service, table, upsert } from '../rules.js';

const COMPLETE: RuleChange = { type: 'complete' };
const stored = (...rules: RuleChange[]): StoredRules => ({ version: '7', savedAt: 1, rules: rules as RuleUpsert[] });
const A = upsert.service(service('a'));
const A2 = upsert.service(service('a', { addresses: ['10.0.0.2'] }));
const B = upsert.routes(table('b', 'r'));
const C = upsert.service(service('c'));
const LAST_GOOD: RuleChange = { type: 'state', state: 'last-good' };

/** Keeps in memory what is saved, unless it is told to fail or wait. */
class MemoryStore implements LastGoodStore {
  readonly saves: StoredRules[] = [];
  failure: string | undefined;
  gate: Promise<void> | undefined;
  reading: Promise<void> | undefined;

  constructor(private readonly found: StoredRules | string | undefined) {}

  async load(): Promise<StoredRules | undefined> {
    await this.reading;
    if (typeof this.found === 'string') throw new Error(this.found);
    return this.found;
  }

  async save(_source: string, rules: StoredRules): Promise<void> {
    await this.gate;
    if (this.failure !== undefined) throw new Error(this.failure);
    this.saves.push(rules);
  }
}

async function scene(found?: StoredRules | string, refused: ReadonlySet<RuleChange> = new Set()) {
  const runtime = new ManualRuntime();
  const store = new MemoryStore(found);
  const inner = new Subject<readonly RuleChange[]>();
  const plane = { name: 'plane', precedence: 200, watch: () => inner };
  const source = withLastGood(plane, { store, runtime, accepted: (rule) => !refused.has(rule) });
  const batches: (readonly RuleChange[])[] = [];
  const errors: string[] = [];
  const subscription: Subscription = source.watch().subscribe({
    next: (batch) => {
      batches.push(batch);
      for (const change of batch) if (change.type === 'state' && change.error) errors.push(change.error);
    },
    error: (error: Error) => errors.push(error.message),
  });
  await runtime.advanceAsync(0);
  const saved = () => store.saves.map(({ rules }) => rules);
  return { runtime, store, inner, source, batches, errors, subscription, saved };
}

describe('at the start', () => {
  test('what was stored is said at once, as if it were all', async () => {
    const { batches } = await scene(stored(A, B));
    expect(batches).toEqual([[A, B, COMPLETE, { ...LAST_GOOD, version: '7' }]]);
  });

  test('until the source has said all it has, its state is last-good, with the reason', async () => {
    const { batches, inner, runtime } = await scene(stored(A, B));
    inner.next([{ type: 'state', state: 'connecting', version: '8', error: 'refused' }]);
    inner.next([A2]);
    inner.next([COMPLETE, { type: 'state', state: 'live', version: '8' }]);
    inner.next([{ type: 'state', state: 'stale', error: 'gone' }]);
    expect(batches.slice(1)).toEqual([
      [{ ...LAST_GOOD, error: 'refused' }],
      [A2],
      [COMPLETE, { type: 'state', state: 'live', version: '8' }],
      [{ type: 'state', state: 'stale', error: 'gone' }],
    ]);
    batches.length = 0;
    runtime.advance(14_999);
    expect(batches).toEqual([]);
    runtime.advance(1);
    expect(batches).toEqual([[remove.routes('b')]]);
  });

  test('what the source left out goes after a while, unless it comes yet; problems stand meanwhile', async () => {
    const { batches, inner, runtime, saved } = await scene(stored(A, B, C));
    const problem: RuleChange = { type: 'problem', message: 'c' };
    inner.next([C, COMPLETE, problem]);
    runtime.advance(10_000);
    inner.next([A2, COMPLETE, problem]);
    batches.length = 0;
    await runtime.advanceAsync(20_000);
    expect(batches).toEqual([[remove.routes('b'), problem]]);
    expect(saved().at(-1)).toEqual([A2, C]);
    expect(runtime.pending).toBe(0);
  });

  test('a source that is asked by name refutes what it was asked for, from then on', async () => {
    const { batches, inner, runtime, saved } = await scene(stored(A, B, C));
    inner.next([{ type: 'complete', of: new Set() }]);
    runtime.advance(10_000);
    inner.next([{ type: 'complete', of: new Set(['b_80', 'x_80']) }]);
    batches.length = 0;
    await runtime.advanceAsync(10_000);
    expect(batches).toEqual([]);
    await runtime.advanceAsync(60_000);
    expect(batches).toEqual([[remove.routes('b')]]);
    expect(saved()).toEqual([[A, C]]);
  });

  test('one that had nothing to be asked for before the store was read has refuted nothing', async () => {
    const store = new MemoryStore(stored(A, B));
    const inner = new Subject<readonly RuleChange[]>();
    const plane = { name: 'plane', precedence: 200, watch: () => inner };
    const batches: unknown[] = [];
    const options = { store, runtime: new ManualRuntime(), accepted: () => true };
    withLastGood(plane, options)
      .watch()
      .subscribe((batch) => batches.push(batch));
    const none: RuleChange = { type: 'complete', of: new Set() };
    inner.next([none]);
    inner.next([C, { type: 'complete', of: new Set(['c_80']) }]);
    expect(batches).toEqual([[C]]); // in sync only with what was stored
    await new Promise(setImmediate);
    expect(batches.slice(1)).toEqual([[A, B, { type: 'complete', of: new Set(['c_80']) }]]);
    inner.next([{ type: 'state', state: 'connecting', error: 'refused' }]);
    expect(batches.at(-1)).toEqual([{ ...LAST_GOOD, error: 'refused' }]);
  });

  test('a source that fails before the store was read has its last-good rules all the same', async () => {
    const runtime = new ManualRuntime();
    const store = new MemoryStore(stored(A));
    const failing = { name: 'plane', precedence: 200, watch: () => throwError(() => new Error('no such plane')) };
    const source = withLastGood(failing, { store, runtime, accepted: () => true });
    const mesh = new RuleStore(runtime);
    watchSource(mesh, source);
    await runtime.advanceAsync(0);
    expect([...mesh.services.keys()]).toEqual(['a_80']);
    expect(mesh.sources).toMatchObject([{ state: 'failed', synced: true, lastError: { message: 'no such plane' } }]);
    expect(runtime.pending).toBe(0);
  });

  test('a source that has no more to say is remembered as any, and refutes what it left out', async () => {
    const { inner, batches, runtime, saved } = await scene(stored(A, B));
    inner.next([A2, COMPLETE]);
    inner.complete();
    await runtime.advanceAsync(15_000);
    expect(batches.at(-1)).toEqual([remove.routes('b')]);
    await runtime.advanceAsync(1000);
    expect(saved().at(-1)).toEqual([A2]);
    expect(runtime.pending).toBe(0);
  });

  test('nothing is written over what is stored before it was read', async () => {
    const store = new MemoryStore(stored(A, B));
    let open: () => void = () => {};
    store.reading = new Promise((resolve) => {
      open = resolve;
    });
    const runtime = new ManualRuntime();
    const inner = new Subject<readonly RuleChange[]>();
    const plane = { name: 'plane', precedence: 200, watch: () => inner };
    withLastGood(plane, { store, runtime, accepted: () => true })
      .watch()
      .subscribe();
    inner.next([C, { type: 'complete', of: new Set(['c_80']) }]);
    await runtime.advanceAsync(5000);
    expect(store.saves).toEqual([]);
    open();
    await runtime.advanceAsync(0);
    await runtime.advanceAsync(1000);
    expect(store.saves.map(({ rules }) => rules)).toEqual([[A, B, C]]);
  });

  test('a source that was quicker knows better', async () => {
    const store = new MemoryStore(stored(A, B));
    const inner = new Subject<readonly RuleChange[]>();
    const source = withLastGood(
      { name: 'plane', precedence: 200, watch: () => inner },
      { store, runtime: new ManualRuntime(), accepted: () => true },
    );
    const batches: unknown[] = [];
    source.watch().subscribe((batch) => batches.push(batch));
    inner.next([A2, COMPLETE]);
    await new Promise(setImmediate);
    expect(batches).toEqual([[A2, COMPLETE]]);
  });

  test('what cannot be used is told, and nothing waits', async () => {
    const { batches, errors, inner } = await scene('plane.rules is not used: its checksum is wrong');
    expect(errors).toEqual(['its last-good rules: plane.rules is not used: its checksum is wrong']);
    inner.next([A, COMPLETE]);
    expect(batches.at(-1)).toEqual([A, COMPLETE]);
  });

  test('a source that fails leaves what was stored, here and in the store', async () => {
    const { batches, errors, inner, store, source } = await scene(stored(A, B));
    inner.error(new Error('for good'));
    await source.stored();
    expect([batches.length, errors, store.saves]).toEqual([1, ['for good'], []]);
  });
});

describe('what is accepted', () => {
  test('is stored a second later, once for a burst, and not again if it says the same', async () => {
    const { runtime, inner, saved, store } = await scene();
    inner.next([A]);
    await runtime.advanceAsync(2000);
    expect(saved()).toEqual([]);
    inner.next([COMPLETE, { type: 'state', state: 'live', version: '9' }]);
    await runtime.advanceAsync(500);
    inner.next([B]);
    await runtime.advanceAsync(499);
    expect(saved()).toEqual([]);
    await runtime.advanceAsync(1);
    expect(saved()).toEqual([[A, B]]);
    expect(store.saves[0]!.version).toBe('9');
    inner.next([upsert.service(service('a')), COMPLETE]);
    await runtime.advanceAsync(5000);
    inner.next([remove.service('a')]);
    await runtime.advanceAsync(1000);
    expect(saved().slice(1)).toEqual([[B]]);
    expect(runtime.pending).toBe(0);
  });

  test('replaces what was; what is refused leaves it, until it is accepted or gone', async () => {
    const refused = new Set<RuleChange>([A2]);
    const { runtime, inner, saved } = await scene(stored(A), refused);
    inner.next([A2, B, COMPLETE]);
    await runtime.advanceAsync(1000);
    expect(saved()).toEqual([[A, B]]);
    await runtime.advanceAsync(2 * PATIENCE_MS);
    expect(saved()).toHaveLength(1);
    refused.clear();
    await runtime.advanceAsync(PATIENCE_MS);
    expect(saved().slice(1)).toEqual([[A2, B]]);
    expect(runtime.pending).toBe(0);
  });

  test('is stored also if what is refused came upon it at once', async () => {
    const { runtime, inner, saved } = await scene(undefined, new Set([A2]));
    inner.next([A, COMPLETE]);
    inner.next([A2]);
    await runtime.advanceAsync(1000);
    expect(saved()).toEqual([[A]]);
  });

  test('and changes while it is written is written again', async () => {
    const { runtime, inner, store, saved } = await scene();
    let open: () => void = () => {};
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    inner.next([A, COMPLETE]);
    await runtime.advanceAsync(1000);
    inner.next([A2]);
    await runtime.advanceAsync(5000);
    expect(saved()).toEqual([]);
    open();
    await runtime.advanceAsync(0);
    expect(saved()).toEqual([[A], [A2]]);
  });

  test('survives a full disk: it is told, and tried again', async () => {
    const { runtime, inner, store, saved, errors, batches } = await scene();
    store.failure = 'ENOSPC';
    inner.next([A, COMPLETE]);
    await runtime.advanceAsync(1000);
    expect(errors).toEqual(['its last-good rules are not stored: ENOSPC']);
    expect(batches.at(-1)).toEqual([{ type: 'state', state: 'live', error: errors[0] }]);
    store.failure = undefined;
    await runtime.advanceAsync(PATIENCE_MS);
    expect(saved()).toEqual([[A]]);
  });

  test('is never lost at the end, also in the midst of writing', async () => {
    const { runtime, inner, source, subscription, store, saved } = await scene();
    let open: () => void = () => {};
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    inner.next([A, COMPLETE]);
    await runtime.advanceAsync(1000);
    inner.next([A2]);
    subscription.unsubscribe();
    expect(runtime.pending).toBe(0);
    const done = source.stored();
    open();
    await done;
    expect(saved()).toEqual([[A], [A2]]);
    expect(inner.observed).toBe(false);
  });
});

test('whatever is stored and said, in the end the mesh and the store have what the source has', async () => {
  const host = fc.constantFrom('a', 'b', 'c', 'd');
  const rule = fc
    .tuple(host, fc.nat(2))
    .map(([name, n]) => upsert.service(service(name, { addresses: [`10.0.0.${n}`] })));
  const hostOf = (change: RuleChange) => ((change as RuleUpsert).rule as ServiceRule).host;
  const step = fc.oneof(
    fc.array(fc.oneof(rule, host.map(remove.service)), { maxLength: 3 }),
    fc.constant([COMPLETE]),
    fc.subarray(['a_80', 'b_80', 'c_80']).map((of): RuleChange[] => [{ type: 'complete', of: new Set(of) }]),
    fc.constantFrom(400, 1000, 16_000),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(rule, { maxLength: 4, selector: hostOf }),
      fc.array(step, { maxLength: 8 }),
      fc.boolean(),
      async (kept, steps, late) => {
        const runtime = new ManualRuntime();
        const store = new MemoryStore(stored(...kept));
        let open: () => void = () => {};
        if (late)
          store.reading = new Promise((resolve) => {
            open = resolve;
          });
        const inner = new Subject<readonly RuleChange[]>();
        const mesh = new RuleStore(runtime);
        const truth = new RuleStore(runtime);
        const source = { name: 'plane', precedence: 200, watch: () => inner };
        const remembering = withLastGood(source, { store, runtime, accepted: () => true });
        const subscription = remembering.watch().subscribe((batch) => void mesh.apply(remembering, batch));
        if (!late) await runtime.advanceAsync(0);
        for (const next of steps) {
          if (typeof next === 'number') await runtime.advanceAsync(next);
          else {
            inner.next(next);
            truth.apply(source, next);
          }
        }
        open();
        await runtime.advanceAsync(0);
        inner.next([COMPLETE]);
        await runtime.advanceAsync(20_000);
        expect(new Map(mesh.services)).toEqual(new Map(truth.services));
        expect(mesh.sources).toMatchObject([{ state: 'live', synced: true }]);
        expect(runtime.pending).toBe(0);
        subscription.unsubscribe();
        await remembering.stored();
        const last = store.saves.at(-1)?.rules ?? stored(...kept).rules;
        const saved = new Map(last.map((it) => [(it.rule as ServiceRule).key, it.rule]));
        expect(saved).toEqual(new Map(truth.services));
      },
    ),
    { numRuns: 150 },
  );
});
