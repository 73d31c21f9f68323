import { once } from 'node:events';
import { existsSync, utimesSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { MeshConfig } from '../../adapters/node/index.js';
import { type Dubbo2Client, dubbo2Client } from '../../examples/demo/peers/dubbo2-client.js';
import { HOST, metaRouter, services, toSubset } from '../../examples/demo/rules.js';
import { freePort } from '../support/free-ports.mjs';
import { portOf, probe, type Scene, SidecarProcess, startScene, VIP } from './sidecar-process.js';

const SERVICE = `${HOST}:20880`;
const LIMIT = `
  localRateLimit: { tokenBucket: { maxTokens: 2, tokensPerFill: 2, fillInterval: 600s } }`;
const routes = (...each: string[]) => metaRouter(`  routes:${each.join('')}`);

let { v1, v2, folder, stop } = {} as Scene;
let sidecar: SidecarProcess;
const clients: Dubbo2Client[] = [];

beforeAll(async () => {
  ({ v1, v2, folder, stop } = await startScene());
}, 30_000);
afterAll(() => stop());
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await sidecar.remove();
});

/** Both providers, of which the rules choose by the method. */
const rules = () =>
  `${services(v1.port, v2.port)}---${routes(toSubset('b', 'v2', 'attachments'), toSubset('a', 'v1'))}`;

function started(config: MeshConfig, text = rules()): SidecarProcess {
  sidecar = new SidecarProcess();
  sidecar.write('rules.yaml', text);
  sidecar.configure({ rules: 'rules.yaml', shutdown: { grace: 0, drain: '5s' }, ...config });
  return sidecar.start(folder.path);
}

function client(port: number, host = '127.0.0.1'): Dubbo2Client {
  const made = dubbo2Client({ host, port });
  clients.push(made);
  return made;
}

const outbound = { ports: { [SERVICE]: 0 } };

describe('meltemi sidecar', () => {
  test('an unmodified client reaches the providers that the rules say, by a port and by the service’s own address', async () => {
    const vip = process.platform === 'linux';
    if (!vip) console.log('skipped: the own address, since other loopback addresses than 127.0.0.1 are not local here');
    const withVip = rules().replace(`hosts: [${HOST}]`, `hosts: [${HOST}]\n  addresses: [${VIP}]`);
    const own = await freePort();
    const text = vip ? withVip.replaceAll('number: 20880', `number: ${own}`) : rules();
    const ports = { [vip ? `${HOST}:${own}` : SERVICE]: 0 };
    const ready = await started({ listeners: { outbound: { ports, vip } } }, text).ready();
    const here = client(portOf(ready.listeners, 'outbound', '127.0.0.1'));
    expect(await here.sayHello('a')).toBe('Hello a, from v1');
    expect(await probe(ready)).toBe('200 ready');
    expect(await probe(ready, '/healthz/live')).toBe('200 live');
    expect(await probe(ready, '/')).toMatch(/^404 /);
    if (vip) expect(await client(own, VIP).sayHello('b')).toBe('Hello b, from v1');
  });

  test('in front of an app it holds the limits of its service', async () => {
    const inbound = [{ port: 0, host: '127.0.0.1', forward: { port: v2.port }, service: SERVICE }];
    const ready = await started(
      { listeners: { inbound } },
      `${services(v1.port, v2.port)}---${metaRouter(LIMIT)}`,
    ).ready();
    const caller = client(portOf(ready.listeners, 'inbound'));
    expect(await caller.sayHello('1')).toBe('Hello 1, from v2');
    expect(await caller.sayHello('2')).toBe('Hello 2, from v2');
    await expect(caller.sayHello('3')).rejects.toThrow(/rate limited/);
  });

  test('is not ready before its rules are there, nor before it listens', async () => {
    const nobody = await freePort();
    const health = { port: await freePort() };
    const server = await taken();
    started({
      metards: { address: `127.0.0.1:${nobody}` },
      initialTimeout: 100,
      listeners: { health, outbound: { ports: { [SERVICE]: server.port } } },
    });
    const at = { health: { host: '127.0.0.1', port: health.port } };
    await sidecar.until(
      'its complaint',
      () => /EADDRINUSE/.exec(sidecar.log + JSON.stringify(sidecar.reports)) ?? undefined,
    );
    expect(await probe(at)).toMatch(
      /^503 not ready\nthe rules of metards are not here yet\noutbound .* cannot be opened: .*EADDRINUSE/,
    );
    expect(await probe(at, '/healthz/live')).toBe('200 live');
    server.close();
    sidecar.signal('SIGTERM');
    expect(await sidecar.ended()).toBe(0);
  });

  test('listeners follow the rules', async () => {
    const ready = await started({ listeners: { outbound } }, routes(toSubset('a', 'v1'))).ready();
    expect(ready.listeners).toEqual([]);
    sidecar.write('rules.yaml', rules());
    const { port } = await sidecar.report('listening');
    expect(await client(port).sayHello('a')).toBe('Hello a, from v1');
    sidecar.write('rules.yaml', '');
    expect((await sidecar.report('closed')).port).toBe(port);
    await expect(dial(port)).rejects.toThrow('ECONNREFUSED');
  });

  test('SIGHUP: listeners change by difference; a configuration that is none changes nothing', async () => {
    const ready = await started({ listeners: { outbound } }).ready();
    const stays = client(portOf(ready.listeners, 'outbound'));
    await stays.sayHello('a');
    const inbound = [{ port: 0, host: '127.0.0.1', forward: { port: v2.port }, service: SERVICE }];
    sidecar.configure({ rules: 'rules.yaml', listeners: { outbound, inbound }, mode: 'observe' });
    sidecar.signal('SIGHUP');
    await sidecar.report('reloaded');
    expect((await sidecar.report('problem')).message).toMatch(/^a change of mode holds from the next start on$/);
    const { port } = await sidecar.report('listening', 1);
    expect(await client(port).sayHello('b')).toBe('Hello b, from v2');
    expect(await stays.sayHello('c')).toBe('Hello c, from v1');
    sidecar.configure({ listeners: { outbound: { vips: true } } } as never);
    sidecar.signal('SIGHUP');
    expect((await sidecar.report('problem', 1)).message).toMatch(
      /^the configuration before stays: .*"vips"; it may have /,
    );
    expect(await stays.sayHello('d')).toBe('Hello d, from v1');
    expect(sidecar.reports.filter(({ type }) => type === 'closed')).toEqual([]);
  });

  test('SIGTERM under load: callers that heed its readiness lose no call', async () => {
    const ready = await started({ listeners: { outbound }, shutdown: { grace: 300, drain: '20s' } }).ready();
    const port = portOf(ready.listeners, 'outbound');
    let gone = false;
    const failed: unknown[] = [];
    let calls = 0;
    const callers = Array.from({ length: 8 }, async (_, i) => {
      const caller = client(port);
      while (!gone) {
        await (i % 2 === 0 ? caller.sayHello('x') : caller.slow(50)).catch((error) => failed.push(error));
        calls++;
      }
      caller.close();
    });
    while (calls < 50) await new Promise(setImmediate);
    sidecar.signal('SIGTERM');
    while ((await probe(ready)).startsWith('200')) await new Promise(setImmediate);
    // In the grace period it takes connections from who has not heard.
    expect(await client(port).sayHello('late')).toBe('Hello late, from v1');
    const before = calls;
    while (calls < before + 50) await new Promise(setImmediate);
    gone = true;
    await Promise.all(callers);
    for (const one of clients.splice(0)) one.close();
    expect(await sidecar.ended()).toBe(0);
    expect(failed).toEqual([]);
  });

  test('after the grace it accepts nobody, serves who is there, and ends when they are gone', async () => {
    const ready = await started({ listeners: { outbound }, shutdown: { grace: 0, drain: '20s' } }).ready();
    const port = portOf(ready.listeners, 'outbound');
    const caller = client(port);
    const slow = caller.slow(300);
    await caller.sayHello('a');
    sidecar.signal('SIGTERM');
    await sidecar.report('ending');
    await refuses(port);
    expect(await caller.sayHello('b')).toBe('Hello b, from v1');
    expect(await slow).toBe('slept 300');
    caller.close();
    expect(await sidecar.ended()).toBe(0);
  });

  test('who stays is cut off when the drain time is over', async () => {
    const ready = await started({ listeners: { outbound }, shutdown: { grace: 0, drain: 200 } }).ready();
    const caller = client(portOf(ready.listeners, 'outbound'));
    await caller.sayHello('a');
    sidecar.signal('SIGINT');
    expect(await sidecar.ended()).toBe(0);
  });

  test('a second signal cuts everything short', async () => {
    const ready = await started({ listeners: { outbound }, shutdown: { grace: '60s', drain: '60s' } }).ready();
    const caller = client(portOf(ready.listeners, 'outbound'));
    await caller.sayHello('a');
    sidecar.signal('SIGTERM');
    await sidecar.report('ending');
    sidecar.signal('SIGINT');
    expect(await sidecar.ended()).toBe(1);
  });

  test('who has connected to its health port and asks nothing does not keep it', async () => {
    const ready = await started({ listeners: { outbound } }).ready();
    const [silent, half] = [connect(ready.health.port), connect(ready.health.port)];
    for (const socket of [silent, half]) socket.on('error', () => {});
    await Promise.all([once(silent, 'connect'), once(half, 'connect')]);
    half.write('GET / HT');
    expect(await probe(ready)).toMatch(/^200 /);
    sidecar.signal('SIGTERM');
    expect(await sidecar.ended()).toBe(0);
  });

  test('nobody need read what it says', async () => {
    await started({ listeners: { outbound } }).ready();
    sidecar.deafen();
    const port = await freePort();
    sidecar.configure({
      rules: 'rules.yaml',
      listeners: { outbound: { ports: { [SERVICE]: port } } },
      mode: 'observe',
    });
    sidecar.signal('SIGHUP');
    while (!(await accepts(port))) await new Promise(setImmediate);
    expect(await client(port).sayHello('a')).toBe('Hello a, from v1');
    for (const one of clients.splice(0)) one.close();
    sidecar.signal('SIGTERM');
    expect(await sidecar.ended()).toBe(0);
  });

  describe('a configuration that never comes', () => {
    const hanging = `import { writeFileSync } from 'node:fs';
      writeFileSync(import.meta.dirname + '/waits', '');
      setInterval(() => {}, 1000);
      await new Promise(() => {});`;
    const waits = async () => {
      while (!existsSync(join(sidecar.folder, 'waits'))) await new Promise(setImmediate);
    };

    test('at the start: SIGTERM ends it', async () => {
      sidecar = new SidecarProcess();
      sidecar.write('meltemi.config.mjs', hanging);
      sidecar.start(folder.path, '--config', 'meltemi.config.mjs');
      await waits();
      sidecar.signal('SIGTERM');
      expect(await sidecar.ended()).toBe(0);
    });

    test('by SIGHUP: it goes on, and SIGTERM ends it', async () => {
      sidecar = new SidecarProcess();
      sidecar.write('rules.yaml', rules());
      const config = { rules: 'rules.yaml', listeners: { outbound, health: { port: 0 } }, shutdown: { grace: 0 } };
      sidecar.write('meltemi.config.mjs', `export default ${JSON.stringify(config)}`);
      sidecar.start(folder.path, '--config', 'meltemi.config.mjs');
      const ready = await sidecar.ready();
      const file = join(sidecar.folder, 'meltemi.config.mjs');
      sidecar.write('meltemi.config.mjs', hanging);
      utimesSync(file, 1, 1);
      sidecar.signal('SIGHUP');
      await waits();
      expect(await client(portOf(ready.listeners, 'outbound')).sayHello('a')).toBe('Hello a, from v1');
      for (const one of clients.splice(0)) one.close();
      sidecar.signal('SIGTERM');
      expect(await sidecar.ended()).toBe(0);
      expect(sidecar.lastProblem).toBe('the configuration before stays: the sidecar ends');
    });
  });

  test('rules that cannot be used end it, by name', async () => {
    started({}, 'kind: [');
    expect(await sidecar.ended()).toBe(1);
    expect(sidecar.lastProblem).toMatch(/^source file failed: the rules cannot be used:\n.*rules\.yaml:1:/);
  });

  test('a configuration that is none ends it, by name', async () => {
    sidecar = new SidecarProcess();
    sidecar.write('meltemi.config.yaml', 'listeners: { outbound: { ports: { demo: 1 } } }');
    sidecar.start(folder.path);
    expect(await sidecar.ended()).toBe(1);
    expect(sidecar.lastProblem).toMatch(/^.*\/meltemi\.config\.yaml: listeners\.outbound\.ports.*<host>:<port>/);
  });
});

/** A port on which somebody else listens. */
async function taken() {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as { port: number }).port, close: () => server.close() };
}

async function dial(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}

const accepts = (port: number) =>
  dial(port).then(
    () => true,
    () => false,
  );

/** Resolves when nobody listens there any more. */
async function refuses(port: number): Promise<void> {
  for (;;) {
    const refused = await dial(port).then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
    );
    if (refused) return;
  }
}
