import { describe, expect, test } from '@jest/globals';
import { type NameResolver, Names, type ResolvedName, systemNames } from '../../../src/cluster/index.js';
import { MAX_TTL_MS, MIN_TTL_MS, REFRESH_MS, RETRY_BASE_MS } from '../../../src/cluster/names/names.js';
import { ManualRuntime } from '../../../src/testing/index.js';
import { endpointRule } from '../support.js';

class Answers implements NameResolver {
  readonly asked: string[] = [];
  answer: (name: string) => ResolvedName | Error = () => new Error('ENOTFOUND');

  async resolve(name: string): Promise<ResolvedName> {
    this.asked.push(name);
    const answer = this.answer(name);
    if (answer instanceof Error) throw answer;
    return answer;
  }
}

function setUp() {
  const runtime = new ManualRuntime();
  const resolver = new Answers();
  const changed: string[] = [];
  const warnings: string[] = [];
  const names = new Names({
    runtime,
    resolver,
    changed: (key) => void changed.push(key),
    warn: (message) => void warnings.push(message),
  });
  return { runtime, resolver, changed, warnings, names };
}

const named = (address: string) => endpointRule(0, { address, port: 80, weight: 3, labels: { v: '1' } });
const addresses = (names: Names, key = 'k', ...hosts: string[]) =>
  names.expand(key, hosts.map(named)).map(({ address }) => address);

describe('names', () => {
  test('numbers and localhost stand for themselves, and nothing is asked', () => {
    const { names, resolver, runtime } = setUp();
    const written = ['10.0.0.1', '::1', 'localhost', 'a.localhost'].map(named);
    expect(names.expand('k', written)).toBe(written);
    expect(resolver.asked).toEqual([]);
    expect(runtime.pending).toBe(0);
  });

  test('a name stands for itself until it is known, then for each of its addresses', async () => {
    const { names, resolver, runtime, changed } = setUp();
    resolver.answer = () => ({ addresses: ['10.0.0.2', '10.0.0.1', '10.0.0.2'], ttlMs: 5_000 });
    expect(addresses(names, 'k', 'a.test')).toEqual(['a.test']);
    await runtime.advanceAsync(0);
    expect(changed).toEqual(['k']);
    expect(names.expand('k', [named('a.test')])).toEqual([
      { ...named('a.test'), address: '10.0.0.1' },
      { ...named('a.test'), address: '10.0.0.2' },
    ]);
    expect(resolver.asked).toEqual(['a.test']);
  });

  test.each([
    [5_000, 5_000],
    [0, MIN_TTL_MS],
    [86_400_000, MAX_TTL_MS],
    [undefined, REFRESH_MS],
  ])('with a TTL of %s ms it is asked for again after %i, and tells only what is new', async (ttlMs, after) => {
    const { names, resolver, runtime, changed } = setUp();
    resolver.answer = () => ({ addresses: ['10.0.0.1', '10.0.0.2'], ttlMs });
    addresses(names, 'k', 'a.test');
    await runtime.advanceAsync(after - 1);
    expect(resolver.asked).toHaveLength(1);
    resolver.answer = () => ({ addresses: ['10.0.0.2', '10.0.0.1'], ttlMs });
    await runtime.advanceAsync(1);
    expect(resolver.asked).toHaveLength(2);
    expect(changed).toEqual(['k']);
    resolver.answer = () => ({ addresses: ['10.0.0.3'], ttlMs });
    await runtime.advanceAsync(after);
    expect(changed).toEqual(['k', 'k']);
    expect(addresses(names, 'k', 'a.test')).toEqual(['10.0.0.3']);
  });

  test('a failure keeps what there is, is told, and is tried again later and later', async () => {
    const { names, resolver, runtime, changed, warnings } = setUp();
    resolver.answer = () => ({ addresses: ['10.0.0.1'], ttlMs: MIN_TTL_MS });
    addresses(names, 'k', 'a.test');
    await runtime.advanceAsync(0);
    resolver.answer = () => new Error('SERVFAIL');
    await runtime.advanceAsync(MIN_TTL_MS);
    expect(addresses(names, 'k', 'a.test')).toEqual(['10.0.0.1']);
    expect(warnings).toEqual(['the name a.test cannot be resolved: SERVFAIL; its addresses stay 10.0.0.1']);
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      const due = runtime.nextDueAt - runtime.now();
      waits.push(due);
      await runtime.advanceAsync(due);
    }
    for (const [i, wait] of waits.entries()) {
      const most = Math.min(REFRESH_MS, RETRY_BASE_MS * 2 ** i);
      expect(wait).toBeGreaterThan(most / 2 - 1);
      expect(wait).toBeLessThanOrEqual(most);
    }
    resolver.answer = () => ({ addresses: [], ttlMs: 0 });
    await runtime.advanceAsync(REFRESH_MS);
    expect(warnings.at(-1)).toContain('it has no address');
    expect(changed).toEqual(['k']);
  });

  test('that were never known are dialled as they are', async () => {
    const { names, runtime, warnings } = setUp();
    addresses(names, 'k', 'a.test');
    await runtime.advanceAsync(0);
    expect(addresses(names, 'k', 'a.test')).toEqual(['a.test']);
    expect(warnings).toEqual(['the name a.test cannot be resolved: ENOTFOUND; it is dialled by name']);
  });

  test('are asked for once for all that use them, and no longer than somebody does', async () => {
    const { names, resolver, runtime, changed } = setUp();
    resolver.answer = () => ({ addresses: ['10.0.0.1'], ttlMs: 5_000 });
    addresses(names, 'k', 'a.test', 'b.test');
    addresses(names, 'l', 'a.test');
    await runtime.advanceAsync(0);
    expect(resolver.asked).toEqual(['a.test', 'b.test']);
    expect([...changed].sort()).toEqual(['k', 'k', 'l']);
    addresses(names, 'k', 'b.test');
    names.forget('k');
    expect(runtime.pending).toBe(1);
    await runtime.advanceAsync(5_000);
    expect(resolver.asked).toEqual(['a.test', 'b.test', 'a.test']);
    names.close();
    expect(runtime.pending).toBe(0);
  });

  test('an answer that comes when nobody wants it any longer is dropped', async () => {
    const { names, resolver, runtime, changed } = setUp();
    resolver.answer = () => ({ addresses: ['10.0.0.1'], ttlMs: 5_000 });
    addresses(names, 'k', 'a.test');
    names.forget('k');
    await runtime.advanceAsync(0);
    expect(changed).toEqual([]);
    expect(runtime.pending).toBe(0);
  });

  test("the system's resolver knows the hosts file, and fails in its own words", async () => {
    const { addresses: found } = await systemNames.resolve('localhost');
    expect(found.length).toBeGreaterThan(0);
    expect(found.every((address) => address.startsWith('127.') || address === '::1')).toBe(true);
    await expect(systemNames.resolve('nobody.invalid')).rejects.toThrow(/nobody\.invalid/);
  });
});
