import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from '@jest/globals';
import { xxhash } from '../../adapters/engines/xxhash.js';
import { closing, HOSTS, meanwhile, QUIET, quiet, scene, turn } from './scene.js';
import { demoService, policy, router, world } from './support.js';

describe('where calls go', () => {
  const split = router(`routes: [{ name: r, route: [
    { destination: { host: demo.test, subset: v1 }, weight: 20 },
    { destination: { host: demo.test, subset: v2 }, weight: 80 }] }]`);

  async function drawn(seed: number): Promise<string> {
    const { call, server } = await scene(split, {}, seed);
    for (const host of HOSTS) server(host);
    let text = '';
    for (let i = 0; i < 500; i++) text += (await call())[7];
    return text;
  }

  test('weights are drawn by the seed, and hold', async () => {
    const [one, same, other] = [await drawn(1), await drawn(1), await drawn(2)];
    expect(one).toBe(same);
    expect(one).not.toBe(other);
    for (const text of [one, other]) {
      const share = text.split('1').length - 1;
      expect(share).toBeGreaterThan(70);
      expect(share).toBeLessThan(130);
    }
  });

  test('a retry stays on the cluster that was drawn', async () => {
    const retry = 'attemptTimeout: 10ms, retry: { attempts: 1, backoff: { base: 1ms, max: 1ms }, idempotent: true }';
    const { call, runtime, backend } = await scene(split + policy(retry));
    for (let i = 0; i < 20; i++) {
      const answer = call();
      const hosts = [(await backend.next()).host];
      runtime.advance(11);
      hosts.push((await backend.next()).host);
      runtime.advance(11);
      expect(await answer).toBe('ATTEMPT_TIMEOUT');
      expect(new Set(hosts).size).toBe(1);
      for (const arrived of backend.all) arrived.reply();
      await turn();
    }
  });

  test('ring hash: a key keeps its endpoint, and loses it only with the endpoint', async () => {
    const hosts = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'];
    const hashed = (...addresses: string[]) =>
      demoService
        .replace('simple: ROUND_ROBIN', 'consistentHash: { httpHeaderName: payload }')
        .replace(
          /endpoints:[^-]*- .*\n *- .*/,
          `endpoints: [${addresses.map((it) => `{ address: ${it} }`).join(', ')}]`,
        );
    const it = world(hashed(...hosts), { engines: { hash: await xxhash() } });
    closing.push(() => it.mesh.close({ drainMs: 0 }));
    for (const host of hosts) it.server(host);
    const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`);
    const places = async () =>
      new Map(await Promise.all(keys.map(async (key) => [key, (await it.call(key)).split(' ')[0]!] as const)));
    const before = await places();
    expect(await places()).toEqual(before);
    expect(new Set(before.values())).toEqual(new Set(hosts));
    it.source.set(hashed(...hosts.slice(1)));
    const after = await places();
    let stayed = 0;
    for (const [key, host] of before) {
      if (host === '10.0.0.1') expect(after.get(key)).not.toBe(host);
      else if (after.get(key) === host) stayed++;
    }
    // As in Envoy those that are left get more places on the ring each, which moves some keys more.
    expect(stayed).toBeGreaterThan(60);
    it.source.set(hashed(...hosts));
    expect(await places()).toEqual(before);
  });

  test('an endpoint that keeps failing is left out, and comes back', async () => {
    const outlier = 'outlier: { consecutiveErrors: 2, baseEjectionTime: 30s, maxEjectionPercent: 50, interval: 1s }';
    const { call, mesh, runtime, backend, server } = await scene(policy(`attemptTimeout: 100ms, ${outlier}`));
    const told: string[] = [];
    const ejected = (event: unknown) => told.push(`ejected ${(event as { address: string }).address}`);
    const restored = (event: unknown) => told.push(`restored ${(event as { address: string }).address}`);
    subscribe('meltemi:endpoint:ejected', ejected);
    subscribe('meltemi:endpoint:restored', restored);
    server('10.0.0.2');
    const outcomes: string[] = [];
    for (let i = 0; i < 12; i++) outcomes.push((await meanwhile(runtime, call())).slice(0, 8));
    expect(outcomes.filter((it) => it === 'ATTEMPT_')).toHaveLength(2);
    expect(outcomes.slice(4)).toEqual(Array(8).fill('10.0.0.2'));
    expect(told).toEqual(['ejected 10.0.0.1:9000']);
    backend.echo = true;
    for (const arrived of backend.all) arrived.reply();
    await turn();
    runtime.advance(31_000);
    for (let i = 0; i < 4; i++) expect(await call()).toMatch(/hello$/);
    expect(told).toEqual(['ejected 10.0.0.1:9000', 'restored 10.0.0.1:9000']);
    unsubscribe('meltemi:endpoint:ejected', ejected);
    unsubscribe('meltemi:endpoint:restored', restored);
    await turn();
    expect(quiet(mesh)).toEqual(QUIET);
  });
});
