import { afterEach, describe, expect, test } from '@jest/globals';
import { bottleneck } from '../../adapters/engines/bottleneck.js';
import { opossum } from '../../adapters/engines/opossum.js';
import { re2 } from '../../adapters/engines/re2.js';
import { xxhash } from '../../adapters/engines/xxhash.js';
import type { Mesh, MeshOptions } from '../../src/index.js';
import type { EngineOptions } from '../../src/spi.js';
import { silentLogger } from '../../src/telemetry/index.js';
import { demoService, policy, router, type World, world } from './support.js';

const closing: Mesh[] = [];
afterEach(async () => {
  for (const mesh of closing.splice(0)) await mesh.close({ drainMs: 0 });
});

/** Engines that are loaded on demand, and which of them were. */
function onDemand() {
  const loaded: string[] = [];
  const load =
    <T>(name: string, engine: T) =>
    async () => {
      loaded.push(name);
      return engine;
    };
  const hash = async () => {
    loaded.push('hash');
    return xxhash();
  };
  const engines: EngineOptions = {
    breaker: load('breaker', opossum()),
    pacing: load('pacing', bottleneck),
    regex: load('regex', re2),
    hash,
  };
  return { engines, loaded };
}

function start(yaml: string, options: Partial<MeshOptions>): World {
  const it = world(yaml, options);
  closing.push(it.mesh);
  it.server('10.0.0.1');
  it.server('10.0.0.2');
  return it;
}

const route = (match = '') =>
  router(`routes: [{ ${match} route: [{ destination: { host: demo.test, subset: v1 } }] }]`);
const PLAIN = demoService + route('match: { attributes: { payload: { regex: "hel.*" } } },');
const ASKING = {
  regex: demoService + route('match: { attributes: { payload: { regex: "h[a-e]llo" } } },'),
  hash: demoService.replace('simple: ROUND_ROBIN', 'consistentHash: { httpHeaderName: payload }'),
  breaker: demoService + policy('circuitBreaker: { errorPercent: 50, minimumCalls: 5, window: 10s, openTime: 5s }'),
  pacing: demoService + policy('pacing: { ratePerSecond: 100, maxQueued: 10 }'),
};

describe('engines that are given as functions', () => {
  test('are not loaded for rules that ask for none, of patterns only where no simpler test will do', async () => {
    const { engines, loaded } = onDemand();
    const { call } = start(PLAIN, { engines });
    expect(await call()).toMatch(/hello$/);
    expect(loaded).toEqual([]);
  });

  test.each(Object.entries(ASKING))('%s is loaded by the first rule that asks for it, once', async (name, rules) => {
    const { engines, loaded } = onDemand();
    const { call, mesh, source } = start(rules, { engines });
    await mesh.ready();
    expect(loaded).toEqual([name]);
    expect(mesh.status.held).toEqual([]);
    expect(await call()).toMatch(/hello$/);
    source.set(PLAIN);
    source.set(rules);
    expect(await call()).toMatch(/hello$/);
    expect(loaded).toEqual([name]);
  });

  test('hold up a change of rules until they are here, and what was said after it', async () => {
    let arrive!: () => void;
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const regex = () => arrived.then(() => re2);
    const { call, mesh, source } = start(demoService + route(), { engines: { regex } });
    expect(await call()).toBe('10.0.0.1 hello');
    const before = mesh.status.version;
    source.set(ASKING.regex);
    source.set(demoService + route().replace('subset: v1', 'subset: v2'));
    expect(await call()).toBe('10.0.0.1 hello');
    expect(mesh.status.version).toBe(before);
    const changes: string[] = [];
    const both = new Promise<void>((resolve) => {
      mesh.changes.subscribe((version) => changes.push(version) === 2 && resolve());
    });
    arrive();
    await both;
    expect(await call()).toBe('10.0.0.2 hello');
  });

  test('that cannot be loaded are told, and rules that ask for them are refused', async () => {
    const lines: string[] = [];
    const logger = { ...silentLogger, error: (line: string) => void lines.push(line) };
    const regex = () => Promise.reject(new Error("Cannot find package 're2js'"));
    const { call, source } = start(demoService + route(), { engines: { regex }, logger });
    source.set(ASKING.regex);
    source.set(ASKING.regex.replace('subset: v1', 'subset: v2'));
    await new Promise(setImmediate);
    expect(lines.filter((line) => line.includes('cannot be loaded'))).toEqual([
      "the engine 'regex' cannot be loaded: Cannot find package 're2js'",
    ]);
    expect(await call()).toBe('10.0.0.1 hello');
  });

  test('are all loaded before the first rules where policies are set in code', async () => {
    const { engines, loaded } = onDemand();
    const policies = [{ host: 'demo.test', policy: { pacing: { ratePerSecond: 100, maxQueued: 10 } } }];
    const { call } = start(PLAIN, { engines, policies });
    expect(await call()).toMatch(/hello$/);
    expect(loaded.sort()).toEqual(['breaker', 'hash', 'pacing', 'regex']);
  });
});
