import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, unlinkSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ask, listControls } from '../../adapters/control/index.js';
import type { WorkersStatus } from '../../adapters/node/control.js';
import type { MeshConfig } from '../../adapters/node/index.js';
import { fileSource } from '../../adapters/sources/file/index.js';
import { type MetaRdsServer, serveMetaRds } from '../../adapters/sources/metards/server/index.js';
import { type Dubbo2Client, dubbo2Client } from '../../examples/demo/peers/dubbo2-client.js';
import { HOST, metaRouter, services, toSubset } from '../../examples/demo/rules.js';
import { freePort } from '../support/free-ports.mjs';
import { probe, type Scene, SidecarProcess, startScene } from './sidecar-process.js';

const SERVICE = `${HOST}:20880`;

let { v1, v2, folder, stop } = {} as Scene;
let port: number;
const sidecars: SidecarProcess[] = [];
const clients: Dubbo2Client[] = [];
const servers: MetaRdsServer[] = [];

beforeAll(async () => {
  ({ v1, v2, folder, stop } = await startScene());
}, 30_000);
afterAll(() => stop());
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const sidecar of sidecars.splice(0)) await sidecar.remove();
  for (const server of servers.splice(0)) await server.close();
});

/** Holds up whoever imports it second, until there is a file `go`; then it does more. */
const waiting = (more = '') => `
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
const here = (name) => new URL(name, import.meta.url);
let second = false;
try {
  mkdirSync(here('first'));
} catch {
  second = true;
}
if (second) {
  if (!existsSync(here('go'))) writeFileSync(here('waits'), '');
  while (!existsSync(here('go'))) await new Promise((resolve) => setTimeout(resolve, 10));
  ${more}
}
export default [];
`;
const WAITING = waiting();
const FAILING = waiting("throw new Error('not you');");

async function started(
  config: MeshConfig,
  text = services(v1.port, v2.port),
  workers = 2,
  files: Readonly<Record<string, string>> = {},
): Promise<SidecarProcess> {
  const sidecar = new SidecarProcess();
  sidecars.push(sidecar);
  for (const [name, content] of Object.entries(files)) sidecar.write(name, content);
  sidecar.write('rules.yaml', text);
  port = await freePort();
  configure(sidecar, config);
  return sidecar.start(folder.path, '--workers', String(workers));
}

function configure(sidecar: SidecarProcess, config: MeshConfig): void {
  const listeners = { outbound: { ports: { [SERVICE]: port } }, ...config.listeners };
  sidecar.configure({ rules: 'rules.yaml', shutdown: { grace: 0, drain: '20s' }, ...config, listeners });
}

function client(timeoutMs = 10_000): Dubbo2Client {
  const made = dubbo2Client({ host: '127.0.0.1', port }, { timeoutMs });
  clients.push(made);
  return made;
}

const routed = (subset: string) => metaRouter(`  routes:${toSubset('r', subset)}`);

/** A control plane, and how its routes are changed. */
async function controlPlane(in_: SidecarProcess | { write: SidecarProcess['write']; folder: string }, subset: string) {
  const rules = (of: string) => `${services(v1.port, v2.port)}---${routed(of)}`;
  in_.write('rds.yaml', rules(subset));
  const server = await serveMetaRds({ port: 0 });
  servers.push(server);
  let streams = 0;
  server.events.subscribe(({ type }) => {
    if (type === 'subscribed') streams++;
  });
  await server.follow(fileSource({ paths: join(in_.folder, 'rds.yaml') }));
  return { server, streams: () => streams, route: (to: string) => in_.write('rds.yaml', rules(to)) };
}

async function status(sidecar: SidecarProcess, ...args: string[]): Promise<string> {
  const bin = join(folder.path, 'node_modules/meltemi/dist/adapters/cli/bin.js');
  const env = { ...process.env, NODE_OPTIONS: '', TMPDIR: sidecar.folder };
  return (await promisify(execFile)(process.execPath, [bin, 'status', ...args], { env })).stdout;
}

const controlsOf = (sidecar: SidecarProcess) => listControls(join(sidecar.folder, `meltemi-${process.getuid!()}`));

/** Processes of the workers, as the sidecar's status has them. */
async function workersOf(sidecar: SidecarProcess): Promise<number[]> {
  const { path } = (await controlsOf(sidecar)).find(({ pid }) => pid === sidecar.pid)!;
  const { workers } = (await ask(path, '/status')) as WorkersStatus;
  return workers.flatMap((it) => it?.process.pid ?? []);
}

/** Until both of two connections, which go to different workers, are answered so. */
async function untilBoth(answer: string): Promise<void> {
  const two = [client(), client()];
  for (;;) {
    const answers = await Promise.all(two.map((it) => it.sayHello('x')));
    if (answers.every((it) => it === `Hello x, from ${answer}`)) return;
  }
}

describe('meltemi sidecar --workers', () => {
  test('workers share one stream of the control plane; one that is started later is told all there is', async () => {
    const beside = new SidecarProcess();
    sidecars.push(beside);
    const { server, streams, route } = await controlPlane(beside, 'v1');
    const sidecar = await started({ metards: { address: `127.0.0.1:${server.port}` }, control: true });
    await sidecar.ready();
    await untilBoth('v1');
    route('v2');
    await untilBoth('v2');
    const [first] = await workersOf(sidecar);
    process.kill(first!, 'SIGKILL');
    expect((await sidecar.report('problem')).message).toMatch(
      new RegExp(`^worker 1 \\(process ${first}\\) ended with SIGKILL; another is started in 100 ms$`),
    );
    const { worker, pid } = await sidecar.report('restarted');
    expect(worker).toBe(1);
    await untilBoth('v2');
    expect(await workersOf(sidecar)).toContain(pid);
    expect(pid).not.toBe(first);
    expect(streams()).toBe(1);
  });

  test('a worker that dies takes its own connections with it, no others; new ones are served', async () => {
    const sidecar = await started({ control: true });
    const ready = await sidecar.ready();
    const failures = new Map<number, number>();
    let over = false;
    let calls = 0;
    const callers = Array.from({ length: 4 }, async (_, i) => {
      const caller = client(1000);
      while (!over) {
        await caller.slow(20).catch(() => failures.set(i, (failures.get(i) ?? 0) + 1));
        calls++;
      }
    });
    while (calls < 20) await new Promise(setImmediate);
    const [first] = await workersOf(sidecar);
    process.kill(first!, 'SIGKILL');
    await sidecar.report('problem');
    expect(await client().sayHello('new')).toMatch(/^Hello new/);
    expect(await probe(ready)).toBe('200 ready');
    const before = calls;
    while (calls < before + 40) await new Promise(setImmediate);
    over = true;
    await Promise.all(callers);
    // Connections are dealt out in turn: two of the four.
    expect(failures.size).toBeGreaterThan(0);
    expect(failures.size).toBeLessThanOrEqual(2);
  });

  test('together they grant what a limit allows, and no more', async () => {
    const limit = metaRouter(
      '  localRateLimit: { tokenBucket: { maxTokens: 5, tokensPerFill: 5, fillInterval: 600s } }',
    );
    const at = await freePort();
    const inbound = [{ port: at, host: '127.0.0.1', forward: { port: v1.port }, service: SERVICE }];
    const text = `${services(v1.port, v2.port)}---${limit}`;
    const sidecar = await started({ listeners: { inbound } }, text);
    await sidecar.ready();
    port = at;
    const granted = await Promise.all(
      [client(), client()].map(async (caller) => {
        const answers = await Promise.allSettled(Array.from({ length: 6 }, () => caller.sayHello('x')));
        return answers.filter(({ status }) => status === 'fulfilled').length;
      }),
    );
    expect(granted.sort()).toEqual([2, 3]);
  });

  test('SIGHUP replaces all workers where listeners alone are not enough; SIGTERM lets all of them finish', async () => {
    const sidecar = await started({ control: true });
    await sidecar.ready();
    const before = await workersOf(sidecar);
    const stays = client();
    const slow = stays.slow(500);
    configure(sidecar, { control: true, mode: 'observe' });
    sidecar.signal('SIGHUP');
    await sidecar.report('reloaded');
    const after = await workersOf(sidecar);
    expect(after).toHaveLength(2);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
    expect(await slow).toBe('slept 500');
    expect(await stays.sayHello('a')).toMatch(/^Hello a/);
    expect(await client().sayHello('b')).toMatch(/^Hello b/);
    const last = stays.slow(300);
    await stays.sayHello('c');
    sidecar.signal('SIGTERM');
    expect(await last).toBe('slept 300');
    for (const one of clients.splice(0)) one.close();
    expect(await sidecar.ended()).toBe(0);
  });

  test('whoever connects while workers are replaced is served', async () => {
    const sidecar = await started({});
    await sidecar.ready();
    let over = false;
    const failed: unknown[] = [];
    const callers = Array.from({ length: 4 }, async () => {
      while (!over) {
        const caller = dubbo2Client({ host: '127.0.0.1', port });
        await caller.sayHello('x').catch((error) => failed.push(error));
        caller.close();
      }
    });
    for (let i = 0; i < 6; i++) {
      configure(sidecar, { mode: i % 2 === 0 ? 'observe' : 'enforce' });
      sidecar.signal('SIGHUP');
      await sidecar.report('reloaded', i);
    }
    over = true;
    await Promise.all(callers);
    expect(failed).toEqual([]);
  });

  test('workers that were replaced and still serve are cut short by a second signal, too', async () => {
    const shutdown = { grace: 0, drain: '300s' };
    const sidecar = await started({ shutdown });
    await sidecar.ready();
    const stays = client();
    await stays.sayHello('a');
    configure(sidecar, { shutdown, mode: 'observe' });
    sidecar.signal('SIGHUP');
    await sidecar.report('reloaded');
    expect(await stays.sayHello('b')).toMatch(/^Hello b/);
    sidecar.signal('SIGTERM');
    await sidecar.report('ending');
    sidecar.signal('SIGINT');
    expect(await sidecar.ended()).toBe(1);
  });

  test('a worker that dies while all are replaced has one successor, with the new configuration', async () => {
    const sidecar = await started({ control: true });
    await sidecar.ready();
    const [first] = await workersOf(sidecar);
    process.kill(first!, 'SIGKILL');
    await sidecar.report('problem');
    configure(sidecar, { control: true, mode: 'observe' });
    sidecar.signal('SIGHUP');
    await sidecar.report('reloaded');
    while ((await controlsOf(sidecar)).length !== 3);
    expect(await workersOf(sidecar)).toHaveLength(2);
  });

  test('where one of the new workers cannot get ready, none takes its place, and who dies meanwhile is started as before', async () => {
    const text = `${services(v1.port, v2.port)}---${routed('v1')}`;
    const sidecar = await started({ control: true }, text, 2, { 'failing.mjs': FAILING });
    await sidecar.ready();
    const [first, second] = await workersOf(sidecar);
    configure(sidecar, { control: true, interceptors: ['./failing.mjs'] });
    sidecar.signal('SIGHUP');
    while (!existsSync(join(sidecar.folder, 'waits'))) await new Promise(setImmediate);
    process.kill(first!, 'SIGKILL');
    expect((await sidecar.report('problem')).message).toMatch(/ended with SIGKILL; another is started in 100 ms$/);
    while ((await workersOf(sidecar)).length < 2);
    const before = await workersOf(sidecar);
    expect(before[1]).toBe(second);
    await untilBoth('v1');
    for (const one of clients.splice(0)) one.close();
    sidecar.write('go', '');
    expect((await sidecar.report('problem', 1)).message).toMatch(
      /^the configuration before stays: worker \d \(process \d+\) ended with code 1 before all were ready$/,
    );
    while ((await controlsOf(sidecar)).length !== 3);
    expect(await workersOf(sidecar)).toEqual(before);
    expect(await client().sayHello('a')).toBe('Hello a, from v1');
    expect(sidecar.reports.filter(({ type }) => type === 'closed')).toEqual([]);
  });

  test('a control plane that is configured no longer is left, and followed again when it is named again', async () => {
    const beside = new SidecarProcess();
    sidecars.push(beside);
    const { server, streams, route } = await controlPlane(beside, 'v2');
    let closed = 0;
    server.events.subscribe(({ type }) => {
      if (type === 'closed') closed++;
    });
    const metards = { address: `127.0.0.1:${server.port}` };
    const sidecar = await started({ metards });
    await sidecar.ready();
    await untilBoth('v2');
    for (const one of clients.splice(0)) one.close();
    configure(sidecar, {});
    sidecar.signal('SIGHUP');
    await sidecar.report('reloaded');
    while (closed < 1) await new Promise(setImmediate);
    configure(sidecar, { metards });
    sidecar.signal('SIGHUP');
    await sidecar.report('reloaded', 1);
    await untilBoth('v2');
    route('v1');
    await untilBoth('v1');
    expect(streams()).toBe(2);
  });

  test('a worker that is stuck is killed some seconds after its drain time', async () => {
    const sidecar = await started({ control: true, shutdown: { grace: 0, drain: 100 } });
    await sidecar.ready();
    const [first] = await workersOf(sidecar);
    process.kill(first!, 'SIGSTOP');
    sidecar.signal('SIGTERM');
    expect((await sidecar.report('problem')).message).toBe(
      `worker 1: process ${first} does not end, and is killed 5.1 s after it was told to`,
    );
    expect(await sidecar.ended()).toBe(0);
  });

  test('one that cannot get ready is helped by another configuration', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const own = await freePort();
    const ports = { [SERVICE]: (taken.address() as AddressInfo).port };
    const sidecar = await started({ listeners: { outbound: { ports } } });
    expect((await sidecar.report('problem')).message).toMatch(/EADDRINUSE/);
    port = own;
    configure(sidecar, { mode: 'observe' });
    sidecar.signal('SIGHUP');
    await sidecar.ready();
    expect(await client().sayHello('a')).toMatch(/^Hello a/);
    taken.close();
  });

  test('one that dies before the others are ready is started anew', async () => {
    const health = { port: await freePort() };
    const sidecar = await started(
      { control: true, interceptors: ['./wait.mjs'], listeners: { health } },
      undefined,
      2,
      {
        'wait.mjs': WAITING,
      },
    );
    const why = async () => {
      const text = await probe({ health: { host: '127.0.0.1', ...health } }).catch(() => '');
      return [1, 2].filter((it) => text.includes(`worker ${it}: `));
    };
    while ((await why()).length !== 1);
    const [first] = await workersOf(sidecar);
    process.kill(first!, 'SIGKILL');
    expect((await sidecar.report('problem')).message).toMatch(/another is started/);
    sidecar.write('go', '');
    await sidecar.ready();
    while ((await workersOf(sidecar)).length < 2);
  });

  test('one that starts while listeners change has them as they are then', async () => {
    const sidecar = await started({ control: true, interceptors: ['./wait.mjs'] }, undefined, 2, {
      'wait.mjs': WAITING,
      go: '',
    });
    await sidecar.ready();
    const before = port;
    const [first] = await workersOf(sidecar);
    unlinkSync(join(sidecar.folder, 'go'));
    process.kill(first!, 'SIGKILL');
    while (!existsSync(join(sidecar.folder, 'waits'))) await new Promise(setImmediate);
    port = await freePort();
    configure(sidecar, { control: true, interceptors: ['./wait.mjs'] });
    sidecar.signal('SIGHUP');
    await sidecar.report('closed');
    sidecar.write('go', '');
    while ((await workersOf(sidecar)).length < 2);
    await client().sayHello('a');
    for (const one of clients.splice(0)) one.close();
    sidecar.signal('SIGTERM');
    expect(await sidecar.ended()).toBe(0);
    const opened = sidecar.reports.filter((it) => it.type === 'listening').map((it) => it.port);
    expect(opened).toEqual([before, port]);
  });

  test('a configuration that cannot get ready does not keep it from its end', async () => {
    const sidecar = await started({});
    await sidecar.ready();
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const ports = { [SERVICE]: (taken.address() as AddressInfo).port };
    configure(sidecar, { mode: 'observe', listeners: { outbound: { ports } } });
    sidecar.signal('SIGHUP');
    await sidecar.report('problem');
    sidecar.signal('SIGTERM');
    expect(await sidecar.ended()).toBe(0);
    // The other worker may have told of the same port since.
    expect(sidecar.problems).toContainEqual(
      expect.stringMatching(/^the configuration before stays: the sidecar ends: worker 1 \(process \d+\): /),
    );
    taken.close();
  });

  test('last-good rules serve while the control plane is dead, and one store is enough for all', async () => {
    const beside = new SidecarProcess();
    sidecars.push(beside);
    const { server } = await controlPlane(beside, 'v2');
    const config = { metards: { address: `127.0.0.1:${server.port}` }, lastGood: 'good', initialTimeout: 5000 };
    const sidecar = await started(config);
    await sidecar.ready();
    await untilBoth('v2');
    for (const one of clients.splice(0)) one.close();
    sidecar.signal('SIGTERM');
    expect(await sidecar.ended()).toBe(0);
    expect(readdirSync(join(sidecar.folder, 'good'))).toEqual(['metards.rules']);
    await server.close();
    sidecar.reports.splice(0);
    sidecar.start(folder.path, '--workers', '2');
    expect(await probe(await sidecar.ready())).toBe('200 ready');
    await untilBoth('v2');
  });

  test('its status has its workers, and each of them has one', async () => {
    const sidecar = await started({ control: true });
    await sidecar.ready();
    const text = await status(sidecar);
    expect(text).toMatch(
      /^process \d+ \(sidecar\), node -, up \d+s; its workers, each of which --pid N tells more of:\n/,
    );
    expect(text).toMatch(/^1 +\d+ +\d+s +[0-9a-f]{16} +0 +file live$/m);
    const [first] = await workersOf(sidecar);
    const one = await status(sidecar, '--pid', String(first));
    expect(one).toMatch(/^process \d+ \(sidecar worker 1 of 2\), /);
    expect(one).toContain(`\n127.0.0.1:${port}  outbound  ${SERVICE}  0\n`);
  });

  test('a worker that never gets ready ends it; each port must be a certain one', async () => {
    const sidecar = await started({ protocols: ['./none.mjs'] });
    expect(await sidecar.ended()).toBe(1);
    expect(sidecar.log).toMatch(/worker: the Protocol '\.\/none\.mjs' of the configuration cannot be loaded/);
    expect(sidecar.lastProblem).toMatch(/^worker \d \(process \d+\) ended with code 1 before it was ready$/);
    const other = await started({ listeners: { outbound: { ports: { [SERVICE]: 0 } } } });
    expect(await other.ended()).toBe(1);
    expect(other.lastProblem).toMatch(/with several workers each port must be a certain one, not 0/);
  });
});
