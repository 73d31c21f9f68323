import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { statusInWords } from '../../../adapters/cli/status-in-words.js';
import { openControl } from '../../../adapters/control/index.js';
import type { ProcessStatus } from '../../../adapters/node/control.js';
import { type MeshConfig, startMesh } from '../../../adapters/node/index.js';
import { HOST, services } from '../../../examples/demo/rules.js';
import type { Mesh } from '../../../src/index.js';
import { meltemi } from '../../support/captured-io.js';

/** Jest gives tests a copy of `process.env`, and `os.tmpdir()` reads the real one. */
const { env } = runInThisContext('process') as NodeJS.Process;

let folder: string;
let before: string | undefined;
const open: Mesh[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meltemi-status-'));
  writeFileSync(join(folder, 'services.yaml'), services(1111, 2222));
  before = env.TMPDIR;
  env.TMPDIR = folder; // its sockets and those of other tests do not see each other
});
afterEach(async () => {
  for (const mesh of open.splice(0)) await mesh.close();
  if (before === undefined) delete env.TMPDIR;
  else env.TMPDIR = before;
  rmSync(folder, { recursive: true });
});

async function started(config: MeshConfig, logger?: { warn(line: string): void }): Promise<Mesh> {
  const quiet = { debug() {}, info() {}, warn() {}, error() {}, ...logger };
  const mesh = await startMesh({ rules: join(folder, 'services.yaml'), watch: false, ...config }, { logger: quiet });
  open.push(mesh);
  await mesh.ready();
  return mesh;
}

describe('meltemi status', () => {
  test('tells of the only process that can be asked, in words and as JSON', async () => {
    const mesh = await started({ control: true, node: { id: 'orders-1' } });
    const { code, out } = await meltemi('status');
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^process ${process.pid} \\(.*\\), node orders-1, up \\d+`));
    expect(out).toMatch(/^file +live +0s +- +0s ago +service 1, cluster 3, endpoints 1 +1 +0$/m);
    expect((await meltemi('status', String(process.pid))).code).toBe(0);
    expect((await meltemi('status', '1', '2')).code).toBe(2);
    expect((await meltemi('status', '1', '--pid', '1')).code).toBe(2);
    const { sources, version } = JSON.parse((await meltemi('status', '--pid', String(process.pid), '--json')).out);
    expect({ sources, version }).toEqual(
      JSON.parse(JSON.stringify({ sources: mesh.status.sources, version: mesh.status.version })),
    );
  });

  test('lists them if there are several', async () => {
    await started({ control: true });
    await started({ control: true });
    const { code, out, err } = await meltemi('status');
    expect([code, out]).toEqual([2, '']);
    const paths = err.match(/\S+\.sock$/gm)!;
    expect(paths).toHaveLength(2);
    expect((await meltemi('status', '--socket', paths[1]!)).code).toBe(0);
  });

  test('says what to do if there is none, and when the process is gone', async () => {
    const off = await meltemi('status');
    expect([off.code, off.err]).toEqual([1, expect.stringContaining('see `control` in the configuration')]);
    expect((await meltemi('status', '--pid', '1')).err).toContain('process 1 has');
    expect((await meltemi('status', '--pid', 'one')).code).toBe(2);
    const path = join(folder, 'run/own.sock');
    const mesh = await started({ control: path });
    expect((await meltemi('status', '--socket', path)).code).toBe(0);
    await mesh.close();
    expect(await meltemi('status', '--socket', path)).toMatchObject({
      code: 1,
      err: expect.stringContaining('ENOENT'),
    });
  });

  test('does not misread another version', async () => {
    const control = await openControl(new Map([['/status', () => ({ format: 2 })]]), join(folder, 'c/a.sock'));
    const { code, err } = await meltemi('status', '--socket', control.path);
    expect([code, err]).toEqual([1, expect.stringContaining('the form of another version')]);
    control.close();
  });
});

test('a control socket that cannot be had is told, and the mesh is as good', async () => {
  mkdirSync(join(folder, 'open'));
  const lines: string[] = [];
  const mesh = await started({ control: join(folder, 'open/a.sock') }, { warn: (line) => void lines.push(line) });
  expect(lines).toEqual([expect.stringContaining('there is no control socket: ')]);
  expect(mesh.explain({ host: HOST, port: 20880 }, {}).refused).toBeUndefined();
});

describe('a status in words', () => {
  const at = 1_700_000_000_000;
  const endpoint = {
    address: '10.0.0.1:20880',
    weight: 1,
    priority: 0,
    inflight: 2,
    ejectedMs: 0,
    consecutiveFailures: 0,
    draining: false,
    connected: true,
    wantsMtls: false,
    healthy: true,
  };
  const status: ProcessStatus = {
    format: 1,
    process: { pid: 42, program: 'server.mjs', uptimeMs: 3_725_000 },
    node: {},
    at,
    version: '0123456789abcdef',
    sources: [
      {
        name: 'metards',
        precedence: 200,
        state: 'stale',
        since: at - 12_000,
        synced: true,
        version: '1764144000',
        changedAt: at - 200_000,
        lastError: { message: 'the stream\u001b[2J ended', at: at - 12_000 },
        problems: [{ severity: 'error', message: 'route a: no such thing' }],
        rules: { service: 0, routes: 3, cluster: 0, endpoints: 0 },
        updates: 4,
        rejected: 1,
      },
    ],
    held: [{ service: 'demo_20880', why: ['nobody describes outbound|20880|v3|demo'] }],
    placements: [
      { service: 'demo:20880', placement: 'in-process', reason: 'served', why: 'its rules are here', since: at },
      {
        service: 'bank:20880',
        placement: 'sidecar',
        reason: 'mtls',
        why: 'its endpoints want mTLS',
        sidecar: '127.0.0.1:15080',
        since: at - 5000,
      },
    ],
    activeCalls: 7,
    ports: [
      { direction: 'outbound', host: '127.0.0.1', port: 20990, service: 'demo:20880', connections: 3 },
      { direction: 'inbound', host: '::1', port: 8080, service: undefined, connections: 0 },
      { direction: 'inbound', host: undefined, port: 9090, service: 'orders:9090', connections: 12 },
    ],
    clusters: [
      {
        name: 'outbound|20880||demo',
        circuit: 'open',
        endpoints: [
          endpoint,
          {
            ...endpoint,
            address: '10.0.0.2:20880',
            healthy: false,
            ejectedMs: 30_000,
            consecutiveFailures: 5,
            connected: false,
          },
        ],
      },
    ],
  };

  test('has a section for each thing, and nothing that moves a cursor', () => {
    expect(statusInWords(status)).toBe(`process 42 (server.mjs), node -, up 1h 2m
rules 0123456789abcdef, calls under way: 7

source   state  for  version     last said   rules     updates  rejected
metards  stale  12s  1764144000  3m 20s ago  routes 3  4        1
  metards: 12s ago: the stream\\u001b[2J ended
  metards: error: route a: no such thing

not in force, and why; the rules before stay:
  demo_20880: nobody describes outbound|20880|v3|demo

calls to    go       for  since
bank:20880  sidecar  5s   its endpoints want mTLS

port             calls     of                        connections
127.0.0.1:20990  outbound  demo:20880                3
[::1]:8080       inbound   - (no rule describes it)  0
9090             inbound   orders:9090               12

cluster               circuit  endpoints
outbound|20880||demo  open     1 of 2 take calls

outbound|20880||demo
  10.0.0.2:20880         ejected for 30s, not connected, 2 in flight, 5 failures in a row
  10.0.0.1:20880         connected, 2 in flight
`);
  });

  test('shows so many endpoints as fit a screen', () => {
    const endpoints = Array.from({ length: 25 }, (_, i) => ({ ...endpoint, address: `10.0.0.${i}:1` }));
    const text = statusInWords({ ...status, clusters: [{ name: 'c', circuit: undefined, endpoints }] });
    expect(text).toContain('c        -        25 of 25 take calls');
    expect(text).toMatch(/10\.0\.0\.19:1.*\n {2}and 5 more; --json has all\n$/);
  });
});
