import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readEnvironment } from '../../../adapters/node/environment.js';
import { ConfigError } from '../../../adapters/node/index.js';
import { PROTOCOLS } from '../../../adapters/node/protocols.js';

let cwd: string;
let warned: string[];

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'meltemi-env-'));
  warned = [];
});
afterEach(() => rmSync(cwd, { recursive: true }));

const read = (env: NodeJS.ProcessEnv) =>
  readEnvironment(env, { cwd, podinfo: join(cwd, 'podinfo'), warn: (message) => warned.push(message) });

function write(file: string, text: string): string {
  const path = join(cwd, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

test('nothing is set: no rules, all protocols, a control socket', async () => {
  const config = await read({});
  expect(config).toMatchObject({
    rules: [],
    protocols: [...PROTOCOLS.keys()],
    control: true,
    node: {},
    directory: cwd,
  });
  expect(config.lastGood).toBeUndefined();
  expect(warned).toEqual([]);
});

test('variables are keys of the configuration; relative paths are the working directory’s', async () => {
  const config = await read({
    MELTEMI_RULES: 'rules, /etc/more.yaml',
    MELTEMI_METARDS: 'aeraki:15010',
    MELTEMI_PROTOCOLS: 'dubbo,./mine.mjs,some-package',
    MELTEMI_INTERCEPTORS: './tenant.mjs',
    MELTEMI_MODE: 'observe',
    MELTEMI_PLACEMENT: 'sidecar',
    MELTEMI_INITIAL_TIMEOUT: '2s',
    MELTEMI_ON_NO_RULES: 'direct',
    MELTEMI_MAX_STALE: '1h',
    MELTEMI_SIDECAR_CAPTURES: 'services',
    MELTEMI_LAST_GOOD: 'good',
    MELTEMI_CONTROL: 'here.sock',
    MELTEMI_ACCESS_LOG: 'stdout',
    MELTEMI_NODE_ID: 'orders-1',
    MELTEMI_NODE_NAMESPACE: 'shop',
    MELTEMI_NODE_LABELS: 'app=orders,version=v1',
    MELTEMI_NODE_ADDRESSES: '10.0.0.1,10.0.0.2',
    MELTEMI_NODE_LOCALITY: 'eu/a/b',
  });
  expect(config).toMatchObject({
    rules: [join(cwd, 'rules'), '/etc/more.yaml'],
    metards: { address: 'aeraki:15010' },
    protocols: ['dubbo', join(cwd, 'mine.mjs'), 'some-package'],
    interceptors: [join(cwd, 'tenant.mjs')],
    mode: 'observe',
    placement: 'sidecar',
    initialTimeout: 2000,
    onNoRules: 'direct',
    maxStale: 3_600_000,
    sidecar: { captures: 'services' },
    lastGood: join(cwd, 'good'),
    control: join(cwd, 'here.sock'),
    accessLog: { path: 'stdout' },
    node: {
      id: 'orders-1',
      namespace: 'shop',
      labels: { app: 'orders', version: 'v1' },
      addresses: ['10.0.0.1', '10.0.0.2'],
      locality: 'eu/a/b',
    },
  });
});

test('they stand over the file, field by field; the file’s own paths stay its own', async () => {
  write(
    'etc/mesh.yaml',
    'rules: [here]\nmode: observe\nmetards: { address: a:1, names: used }\nnode: { namespace: shop }',
  );
  const config = await read({ MELTEMI_CONFIG: 'etc/mesh.yaml', MELTEMI_METARDS: 'b:2', MELTEMI_NODE_ID: 'me' });
  expect(config).toMatchObject({
    rules: ['here'],
    directory: join(cwd, 'etc'),
    mode: 'observe',
    metards: { address: 'b:2', names: 'used' },
    node: { namespace: 'shop', id: 'me' },
  });
});

test('without MELTEMI_CONFIG a file of the working directory is taken', async () => {
  write('meltemi.config.yaml', 'mode: observe');
  expect((await read({})).mode).toBe('observe');
});

test('rules of a control plane are remembered, in a folder of its own, unless that is turned off', async () => {
  const [a, again, b] = await Promise.all(['a:1', 'a:1', 'b:1'].map((at) => read({ MELTEMI_METARDS: at })));
  expect(a!.lastGood).toMatch(/\/meltemi-\d+\/last-good-[0-9a-f]{16}$/);
  expect(again!.lastGood).toBe(a!.lastGood);
  expect(b!.lastGood).not.toBe(a!.lastGood);
  for (const on of ['on', 'true', '1']) {
    expect((await read({ MELTEMI_METARDS: 'a:1', MELTEMI_LAST_GOOD: on })).lastGood).toBe(a!.lastGood);
  }
  const off = await read({ MELTEMI_METARDS: 'a:1', MELTEMI_LAST_GOOD: 'off', MELTEMI_CONTROL: '0' });
  expect([off.lastGood, off.control]).toEqual([undefined, false]);
});

test('a pod says who it is, where nothing else does', async () => {
  write('podinfo/labels', 'app="orders"\nodd="a\\"b"\n\nbroken=\n');
  const pod = { POD_NAME: 'orders-7', POD_NAMESPACE: 'shop', INSTANCE_IP: '10.1.1.1', MELTEMI_NODE_ID: 'me' };
  expect((await read(pod)).node).toEqual({
    id: 'me',
    namespace: 'shop',
    addresses: ['10.1.1.1'],
    labels: { app: 'orders', odd: 'a"b' },
  });
});

test('without addresses of a pod, or of its own, a node has those of the machine', async () => {
  expect((await read({})).node.addresses).toEqual(expect.arrayContaining(['127.0.0.1']));
  for (const said of ['POD_IP', 'MELTEMI_NODE_ADDRESSES']) {
    expect((await read({ [said]: '10.1.1.1' })).node.addresses).toEqual(['10.1.1.1']);
  }
});

test('every problem is told at once, by the variable that has it', async () => {
  const reading = read({ MELTEMI_MODE: 'loud', MELTEMI_INITIAL_TIMEOUT: 'soon', MELTEMI_NODE_ID: 'fine' });
  await expect(reading).rejects.toBeInstanceOf(ConfigError);
  await expect(reading).rejects.toThrow(/MELTEMI_MODE=loud: .*; MELTEMI_INITIAL_TIMEOUT=soon: a duration/);
  write('meltemi.config.yaml', 'mode: loud');
  await expect(read({})).rejects.toThrow(`${join(cwd, 'meltemi.config.yaml')}: mode: `);
  await expect(read({ MELTEMI_WORKERS: 'two' })).rejects.toThrow(/MELTEMI_WORKERS=two: /);
  for (const none of ['none.yaml', 'none.mjs']) {
    await expect(read({ MELTEMI_CONFIG: none })).rejects.toThrow(
      new RegExp(`^the file of MELTEMI_CONFIG or --config: cannot be read: ENOENT.*${none}`),
    );
  }
});

test('a variable that nobody reads is named, with the one that was perhaps meant', async () => {
  await read({ MELTEMI_RULE: 'x', MELTEMI_SOMETHING: 'x', MELTEMI_SERVICE_HOST: '10.0.0.1', MELTEMI_PORT_80_TCP: 'x' });
  expect(warned).toEqual([
    'nothing reads MELTEMI_RULE; did you mean MELTEMI_RULES?',
    'nothing reads MELTEMI_SOMETHING',
  ]);
});
