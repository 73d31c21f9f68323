import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { type Peer, startPeer } from '../../examples/demo/peers/start-peer.js';
import { type PackageFolder, packageFolder } from '../support/package-folder.js';
import { preloaded, versions } from './clients/preload.js';

/** The ways in which applications are started. Each asks a Thrift service, whose rules send it to v2, and ends by itself. */
const run = promisify(execFile);
const here = join(import.meta.dirname, 'clients');
const app = (file: string) => join(here, 'launches', file);
const installed = (path: string) => join(here, 'node_modules', path);

const TSX_COMMAND = installed('tsx/dist/cli.mjs');
const TSX = ['--import', installed('tsx/dist/loader.mjs')];
const TELEMETRY = ['--import', installed('@opentelemetry/auto-instrumentations-node/build/src/register.js')];
const NO_EXPORTERS = {
  OTEL_TRACES_EXPORTER: 'none',
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_NODE_RESOURCE_DETECTORS: 'none',
};

const HOST = 'governed.example';
let server: Peer;
let folder: PackageFolder;
let environment: Record<string, string>;
let preload: string[];

beforeAll(async () => {
  server = await startPeer('test/interop/clients/servers/thrift.mjs');
  folder = await packageFolder();
  const endpoints = server.ready.endpoints as number[];
  const rules = versions(HOST, server.port, 'thrift', endpoints, { method: 'whoami' });
  const launch = await preloaded(folder, rules, { protocols: ['thrift'] });
  environment = launch.env as Record<string, string>;
  preload = [...launch.nodeOptions!];
});
afterAll(async () => {
  await server?.stop();
  await folder?.remove();
});

/** How something is started, given the options that put Meltemi before it: none for Node alone. */
type Launch = (preload: readonly string[]) => { args: readonly string[]; env?: Readonly<Record<string, string>> };

const asOptions = (preload: readonly string[]) => ({ NODE_OPTIONS: preload.join(' ') });
const withTelemetry = (...args: string[]) => ({ args, env: NO_EXPORTERS });

test.each<[name: string, launch: Launch]>([
  ['an ES module', (preload) => ({ args: [...preload, app('app.mjs')] })],
  ['a CommonJS module', (preload) => ({ args: [...preload, app('app.cjs')] })],
  ['by NODE_OPTIONS', (preload) => ({ args: [app('app.mjs')], env: asOptions(preload) })],
  ['tsx, then Meltemi', (preload) => ({ args: [...TSX, ...preload, app('app.ts')] })],
  ['Meltemi, then tsx', (preload) => ({ args: [...preload, ...TSX, app('app.ts')] })],
  ["tsx's own command", (preload) => ({ args: [TSX_COMMAND, app('app.ts')], env: asOptions(preload) })],
  ['OpenTelemetry, then Meltemi', (preload) => withTelemetry(...TELEMETRY, ...preload, app('app.cjs'))],
  ['Meltemi, then OpenTelemetry', (preload) => withTelemetry(...preload, ...TELEMETRY, app('app.cjs'))],
  ['workers of node:cluster', (preload) => ({ args: [...preload, app('cluster.mjs')] })],
  ['a forked child', (preload) => ({ args: [...preload, app('fork.mjs')] })],
  ['a worker thread', (preload) => ({ args: [...preload, app('thread.mjs')] })],
  [
    'a child of a process manager',
    (preload) => ({ args: [app('process-manager.cjs')], env: { APP_NODE_OPTIONS: preload.join(' ') } }),
  ],
])('%s', (_name, launch) => governed(launch));

test.each(['cjs', 'esm'] as const)('a bundle, as %s', async (format) => {
  const outfile = join(folder.path, format === 'cjs' ? 'bundle.cjs' : 'bundle.mjs');
  const require = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  await build({
    // A CommonJS bundle has no top-level await, and one of ES modules no `require` for what it bundles of CommonJS.
    entryPoints: [app(format === 'cjs' ? 'app.cjs' : 'app.mjs')],
    banner: { js: format === 'cjs' ? '' : require },
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    format,
  });
  await governed((preload) => ({ args: [...preload, outfile] }));
});

/** The app prints with Meltemi before it what it prints without, but for who answered, and ends as it does. */
async function governed(launch: Launch): Promise<void> {
  const [without, with_] = await Promise.all([
    outcome(launch([]), { HOST: '127.0.0.1' }),
    outcome(launch(preload), { HOST, ...environment }),
  ]);
  expect(without.stdout).toContain('from v1');
  expect(with_).toEqual({ ...without, stdout: without.stdout.replaceAll('from v1', 'from v2') });
}

async function outcome({ args, env }: ReturnType<Launch>, more: Readonly<Record<string, string>>) {
  const { stdout, stderr } = await run(process.execPath, args, {
    cwd: folder.path, // from where `meltemi/register` is found
    env: { ...process.env, NODE_OPTIONS: '', PORT: String(server.port), ...more, ...env },
    timeout: 30_000,
  });
  const complaints = stderr.replace(/\(node:\d+\)/g, '(node)').split('\n');
  return { stdout, complaints: complaints.filter((line) => line && !/^meltemi \S+ governs /.test(line)) };
}
