import { afterEach, describe, expect, test } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { xxhash } from '../../adapters/engines/xxhash.js';
import { inProcessDuplex, type SocketAddress } from '../../src/connection/index.js';
import type { Mesh, MeshOptions, Protocol } from '../../src/index.js';
import type { Logger } from '../../src/telemetry/index.js';
import { ManualRuntime, MemoryNetwork } from '../../src/testing/index.js';
import { FrameClient } from './frame-client.js';
import { DEMO, demoService, frames, message, payloadOf, policy, router, type World, world } from './support.js';

const closing: Mesh[] = [];
afterEach(async () => {
  for (const mesh of closing.splice(0)) await mesh.close({ drainMs: 0 });
});

function start(yaml?: string, options: Partial<MeshOptions> = {}): World {
  const it = world(yaml, options);
  closing.push(it.mesh);
  return it;
}

function both({ server }: World): void {
  server('10.0.0.1');
  server('10.0.0.2');
}

function listening(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const add = (line: string) => void lines.push(line);
  return { lines, warn: add, error: add, info: add, debug: add } as never;
}

const route = (subset: string, match = '') =>
  router(`routes: [{ ${match} route: [{ destination: { host: demo.test, subset: ${subset} } }] }]`);
const REGEX = 'match: { attributes: { payload: { regex: "h[a-e]llo" } } },';

describe('rules that cannot be used', () => {
  test('as the first of a service: its calls fail and say why, until there are better ones', async () => {
    const logger = listening();
    const it = start(demoService + route('v1', REGEX), { logger });
    both(it);
    const { mesh, source, call } = it;
    await mesh.ready();
    const failed = firstValueFrom(mesh.call(DEMO, message('request', 'hello')));
    await expect(failed).rejects.toMatchObject({ code: 'NO_ROUTE', message: expect.stringContaining('regex') });
    expect(() => mesh.plan(DEMO)).toThrow('the rules of demo.test:9000 cannot be used');
    expect(mesh.explain(DEMO, {}).refused).toContain('the rules of demo.test:9000 cannot be used');
    expect(logger.lines.join()).toContain('regex');
    source.set(demoService + route('v1'));
    expect(await call()).toBe('10.0.0.1 hello');
  });

  test('as a later change: the last good ones stay', async () => {
    const logger = listening();
    const it = start(demoService + route('v1'), { logger });
    both(it);
    const { source, call, mesh } = it;
    expect(await call()).toBe('10.0.0.1 hello');
    const told: string[] = [];
    mesh.changes.subscribe((version) => told.push(version));
    source.set(demoService + route('v2', REGEX));
    expect(await call()).toBe('10.0.0.1 hello');
    expect(told).toEqual([]);
    expect(logger.lines.join()).toContain('the routes before stay in force');
    expect(mesh.status.held).toMatchObject([{ service: 'demo.test_9000' }]);
    source.set(demoService + route('v2'));
    expect(await call()).toBe('10.0.0.2 hello');
    expect(told).toEqual([mesh.status.version]);
  });

  test('a cluster that needs an engine which is not there stays as it was, or is nobody', async () => {
    const hashed = demoService.replace('simple: ROUND_ROBIN', 'consistentHash: { httpHeaderName: payload }');
    const logger = listening();
    const first = start(hashed, { logger });
    both(first);
    expect(await first.call()).toBe('NO_CLUSTER');
    expect(logger.lines.join()).toContain("the engine 'hash' isn't there");
    first.source.set(demoService);
    expect(await first.call()).toMatch(/hello$/);
    first.source.set(hashed);
    expect(await first.call()).toMatch(/hello$/);

    const second = start(hashed, { engines: { hash: await xxhash() } });
    both(second);
    const answers = new Set<string>();
    for (let i = 0; i < 5; i++) answers.add(await second.call());
    expect(answers.size).toBe(1);
  });
});

/** Its clock goes on whenever it is read. */
class Ticking extends ManualRuntime {
  #read = 0;

  override now(): number {
    return super.now() + 2 * this.#read++;
  }
}

test('mesh.changes tells of a change once calls obey it, also where that takes several slices', async () => {
  const hosts = Array.from({ length: 60 }, (_, i) => `demo${i}.test`);
  const rules = (subset: string) =>
    hosts
      .map((host) =>
        (demoService + route(subset)).replaceAll('demo.test', host).replaceAll('name: demo', `name: ${host}`),
      )
      .join('\n---');
  const it = start(rules('v1'), { runtime: new Ticking() });
  both(it);
  const { mesh, source } = it;
  const answers = async () => {
    const replies = hosts.map((host) => firstValueFrom(mesh.call({ host, port: 9000 }, message('request', 'x'))));
    return new Set((await Promise.all(replies)).map((reply) => payloadOf(reply.message!)));
  };
  expect(await answers()).toEqual(new Set(['10.0.0.1 x']));
  const told = firstValueFrom(mesh.changes);
  let early = true;
  void told.then(() => {
    early = false;
  });
  source.set(rules('v2'));
  await null;
  expect(early).toBe(true);
  expect(await told).toBe(mesh.status.version);
  expect(await answers()).toEqual(new Set(['10.0.0.2 x']));
});

describe('an address that services share', () => {
  const shared = (name: string, portName: string, endpoint: string, created: string) => `
---
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: ${name}, namespace: test, creationTimestamp: '${created}' }
spec:
  hosts: [${name}.test]
  addresses: [10.1.1.1]
  ports: [{ number: 9000, name: ${portName}, protocol: TCP }]
  resolution: STATIC
  endpoints: [{ address: ${endpoint} }]
`;

  test.each(['tcp', 'tcp-metaprotocol-other'])(
    'is of the service whose protocol is known, not of an older %s',
    async (older) => {
      const rules =
        shared('older', older, '10.0.0.9', '2020-01-01T00:00:00Z') +
        shared('newer', 'tcp-metaprotocol-frame', '10.0.0.1', '2021-01-01T00:00:00Z');
      const it = start(rules);
      it.server('10.0.0.1');
      const reply = await firstValueFrom(it.mesh.call({ host: '10.1.1.1', port: 9000 }, message('request', 'x')));
      expect(payloadOf(reply.message!)).toBe('10.0.0.1 x');
      const client = new FrameClient(it.mesh.connect('10.1.1.1', 9000));
      expect(await client.call('y')).toBe('10.0.0.1 y');
    },
  );

  test('is passed through if none is known', async () => {
    const it = start(shared('older', 'tcp', '10.0.0.9', '2020-01-01T00:00:00Z'));
    await it.mesh.ready();
    it.network.listen({ host: '10.1.1.1', port: 9000 }, (socket) => socket.end('hello'));
    const stream = it.mesh.connect('10.1.1.1', 9000);
    const [chunk] = await new Promise<Buffer[]>((resolve) => stream.once('data', (data: Buffer) => resolve([data])));
    expect(String(chunk)).toBe('hello');
  });
});

describe('rules that come late', () => {
  test('are obeyed, and what nobody describes is then no longer excused', async () => {
    const runtime = new ManualRuntime();
    const it = start(undefined, { runtime, initialTimeoutMs: 500, onNoRules: 'direct' });
    both(it);
    it.server('demo.test');
    const early = it.call();
    runtime.advance(500);
    expect(await early).toBe('demo.test hello');
    await expect(it.mesh.ready()).rejects.toThrow('no rules within');
    it.source.set(demoService + route('v2'));
    await it.mesh.ready();
    expect(await it.call()).toBe('10.0.0.2 hello');
    const other = firstValueFrom(it.mesh.call({ host: 'other.test', port: 1 }, message('request', 'x')));
    await expect(other).rejects.toMatchObject({ code: 'NO_SERVICE' });
  });

  test('a held call ends by its own timeout, and is counted', async () => {
    const runtime = new ManualRuntime();
    const { mesh, call, source } = start(undefined, { runtime });
    const held = [call('x', 100), call('y', 300), call('z', 300)];
    runtime.advance(100);
    expect(await held[0]).toBe('DEADLINE');
    const both = mesh.call(DEMO, message('request', 'gone'), { timeoutMs: 50 }).subscribe();
    both.unsubscribe();
    runtime.advance(199);
    source.set(demoService);
    runtime.advance(1);
    expect(await Promise.all(held.slice(1))).toEqual(['DEADLINE', 'DEADLINE']);
    const requests = mesh.metrics().find((it) => it.name === 'requests_total')!;
    const deadlines = requests.samples.filter((it) => it.labels.outcome === 'DEADLINE');
    expect(deadlines.reduce((sum, it) => sum + Number(it.value), 0)).toBe(3);
    await mesh.close({ drainMs: 0 });
    expect(runtime.pending).toBe(0);
  });
});

describe('a protocol that throws', () => {
  const burst = () => {
    throw new Error('burst');
  };
  const throwing: [keyof Protocol, string][] = [
    ['deadline', 'INTERNAL'],
    ['classify', 'INTERNAL'],
    ['stamp', 'INTERNAL'],
  ];
  test.each(throwing)('in %s fails the call and nothing else', async (hook, code) => {
    const it = start(demoService, { protocols: [{ ...frames, [hook]: burst }] });
    both(it);
    const { mesh, call } = it;
    expect([await call(), await call()]).toEqual([code, code]);
    expect(mesh.status.activeCalls).toBe(0);
    expect(mesh.status.clusters[0]?.endpoints.map((endpoint) => endpoint.inflight) ?? []).not.toContain(1);
  });

  test('in an attribute that a route asks for, the same', async () => {
    const open: Protocol['open'] = (side, options) => {
      const codec = frames.open(side, options);
      return codec;
    };
    const it = start(demoService + route('v1', 'match: { attributes: { payload: { exact: hello } } },'), {
      protocols: [{ ...frames, open }],
    });
    both(it);
    await it.mesh.ready();
    const request = message('request', 'x');
    request.getLower = burst;
    await expect(firstValueFrom(it.mesh.call(DEMO, request))).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(it.mesh.status.activeCalls).toBe(0);
    expect(await it.call()).toBe('10.0.0.1 hello');
  });
});

/** The first connection opens as ever, all others when the test says so. */
class SlowNetwork extends MemoryNetwork {
  override connect(address: SocketAddress) {
    return this.dialled.length === 0 ? super.connect(address) : inProcessDuplex()[0];
  }
}

test('mode observe: a queue that somebody left unasked does not call him to a connection he does not have', async () => {
  const it = start(demoService + policy('concurrency: { maxRequests: 1 }'), {
    mode: 'observe',
    transport: new SlowNetwork(),
  });
  const arrived = new Promise<() => void>((resolve) => {
    for (const host of ['10.0.0.1', '10.0.0.2']) {
      it.server(host, (payload, later) => {
        resolve(() => later(payload));
        return undefined;
      });
    }
  });
  const first = it.call('first');
  const answer = await arrived;
  const failed: unknown[] = [];
  // Over the limit, and its endpoint is not connected.
  const second = it.mesh.call(DEMO, message('request', 'second')).subscribe({ error: (error) => failed.push(error) });
  answer();
  expect(await first).toBe('first');
  expect(failed).toEqual([]);
  expect(it.mesh.status.activeCalls).toBe(1);
  second.unsubscribe();
  expect(it.mesh.status.activeCalls).toBe(0);
});

test('a logger that throws holds up neither rules nor calls', async () => {
  const broken = () => {
    throw new Error('disk full');
  };
  const it = start(demoService + route('v1'), { logger: { debug: broken, info: broken, warn: broken, error: broken } });
  both(it);
  await it.mesh.ready();
  expect(await it.call()).toBe('10.0.0.1 hello');
  it.source.set(demoService + route('v2', REGEX));
  it.source.set(demoService + route('v2'));
  expect(await it.call()).toBe('10.0.0.2 hello');
});
