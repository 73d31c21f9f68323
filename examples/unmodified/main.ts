/**
 * Four apps that were written without a thought of a mesh: clients of Dubbo, Thrift, TARS and Redis, by their npm packages,
 * each told one server's address. They are run twice: as they are, and with one environment variable,
 * `NODE_OPTIONS=--import=meltemi/register`. The first three are governed then, the fourth is let through.
 * `npm run build && node dist/examples/unmodified/main.js`; `--json` for a machine. Exit 1 if one answers otherwise than it
 * should.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../demo/peers/free-port.js';
import { startPeer } from '../demo/peers/start-peer.js';
import { Report } from '../demo/report.js';
import { rulesOf } from './rules.js';

const MESH = '--import=meltemi/register';
const report = new Report(
  process.argv.includes('--json'),
  process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
);
const begun = performance.now();
// Plain JavaScript that is not compiled: it stays where it was written.
const here = (path: string) => fileURLToPath(new URL(`../../../examples/${path}`, import.meta.url));
const dubbo = (name: string) => startPeer(here('demo/peers/provider.mjs'), ['--name', name]);
const thrift = (name: string) => startPeer(here('unmodified/providers/thrift.mjs'), [name]);
const tars = async (name: string) => startPeer(here('unmodified/providers/tars.cjs'), [name, `${await freePort()}`]);

const names = ['v1', 'v2'];
const [dubbos, thrifts, tarses, redis] = await Promise.all([
  Promise.all(names.map(dubbo)),
  Promise.all(names.map(thrift)),
  Promise.all(names.map(tars)),
  startRedis(),
]);

// Within the package, so that `meltemi/register` is found as in a project that has it among its dependencies.
const project = await mkdtemp(fileURLToPath(new URL('project-', import.meta.url)));
process.once('exit', () => rmSync(project, { recursive: true }));
const ports = (peers: readonly { port: number }[]) => peers.map(({ port }) => port) as [number, number];
const rules = rulesOf({ dubbo: ports(dubbos), thrift: ports(thrifts), tars: ports(tarses) });
await writeFile(join(project, 'rules.yaml'), rules);
await writeFile(join(project, 'meltemi.config.yaml'), 'rules: [rules.yaml]\n');

/** How often each line was printed. */
async function run(app: string, port: number, nodeOptions: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [here(`unmodified/apps/${app}`), `127.0.0.1:${port}`],
    {
      cwd: project,
      env: { ...process.env, NODE_OPTIONS: nodeOptions },
      timeout: 20_000,
    },
  );
  const counts = new Map<string, number>();
  for (const line of stdout.trim().split('\n')) counts.set(line, (counts.get(line) ?? 0) + 1);
  const lines = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  return lines.map(([line, times]) => (times === 1 ? line : `${times} × ${line}`)).join('; ');
}

report.open('Dubbo', 'The app dials v1. By the rules, calls of sayHello take turns between v1 and v2.');
report.equal('as it is', '10 × Hello app, from v1', await run('dubbo.mjs', dubbos[0]!.port, ''));
report.equal(MESH, '5 × Hello app, from v1; 5 × Hello app, from v2', await run('dubbo.mjs', dubbos[0]!.port, MESH));
report.close();

const unknown = 'UnknownItem moon';
report.open('Thrift', 'The app dials v1. By the rules, prices come from v2.');
report.equal('as it is', `10 × 12.50, from v1; ${unknown}`, await run('thrift.mjs', thrifts[0]!.port, ''));
report.equal(MESH, `10 × 12.50, from v2; ${unknown}`, await run('thrift.mjs', thrifts[0]!.port, MESH));
report.close();

report.open('TARS', 'The app dials v1. By the rules, inStock is for v2.');
report.equal('as it is', '10 × 7, from v1', await run('tars.cjs', tarses[0]!.port, ''));
report.equal(MESH, '10 × 7, from v2', await run('tars.cjs', tarses[0]!.port, MESH));
report.close();

if (redis === undefined) report.say('Redis is left out: there is no redis-server on this machine.');
else {
  report.open('Redis', 'No rule describes it: what the app says and hears is not touched.');
  report.equal('as it is', '1 2 1; 1000000', await run('redis.mjs', redis.port, ''));
  report.equal(MESH, '1 2 1; 1000000', await run('redis.mjs', redis.port, MESH));
  report.close();
  redis.stop();
}

await Promise.all([...dubbos, ...thrifts, ...tarses].map((peer) => peer.stop()));
process.exitCode = report.end(performance.now() - begun);

/** A real one, if it is installed. */
async function startRedis(): Promise<{ port: number; stop(): void } | undefined> {
  if (spawnSync('redis-server', ['--version']).status !== 0) return undefined;
  const port = await freePort();
  const server = spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' });
  process.once('exit', () => server.kill());
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const up = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (up) return { port, stop: () => server.kill() };
    if (server.exitCode !== null) throw new Error(`redis-server ended with ${server.exitCode}`);
    await wait(20);
  }
}
