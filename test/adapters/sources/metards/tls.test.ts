import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { security } from '../../../../adapters/sources/metards/credentials.js';
import type { MetaRdsTls } from '../../../../adapters/sources/metards/index.js';
import { ManualRuntime } from '../../../../src/testing/index.js';
import { pem, ScriptedMetaRds } from '../../../support/scripted-metards.js';
import { readGolden } from './recorded.js';
import { Watching } from './watching.js';

const file = (name: string) => fileURLToPath(new URL(`../../../support/certificates/${name}`, import.meta.url));

let server: ScriptedMetaRds;
let watching: Watching | undefined;
beforeEach(async () => {
  server = await ScriptedMetaRds.start({ secure: true });
});
afterEach(() => {
  watching?.close();
  server.close();
});

function client(name?: string, more: Partial<MetaRdsTls> = {}): MetaRdsTls {
  const pair = name === undefined ? {} : { cert: pem(`${name}.pem`), key: pem(`${name}.key`) };
  return { ca: pem('root.pem'), ...pair, serverName: 'aeraki', ...more };
}

/** `accepted`, or why not. */
async function tried(tls: MetaRdsTls | undefined): Promise<string> {
  watching = new Watching({ address: server.address, ...(tls && { tls }) }, new ManualRuntime());
  const accepted = server.streams.next().then((stream) => {
    stream.answer('1', []);
    return 'accepted';
  });
  return Promise.race([accepted, watching.state('connecting').then((error) => error ?? 'no reason')]);
}

describe('connections, as recorded of the real server', () => {
  const ways: Record<string, MetaRdsTls> = {
    'rsa-client-certificate': client('client-rsa'),
    'ec-client-certificate': client('client'),
    'no-client-certificate': client(),
    'client-certificate-of-another-ca': client('client-of-other'),
    'expired-client-certificate': client('client-expired'),
    'server-name-aeraki': client('client', { serverName: 'aeraki' }),
    'server-name-aeraki.istio-system': client('client', { serverName: 'aeraki.istio-system' }),
    'server-name-aeraki.istio-system.svc.cluster.local': client('client', {
      serverName: 'aeraki.istio-system.svc.cluster.local',
    }),
  };
  const { scenarios } = JSON.parse(readGolden('wire-behaviour.json'));
  const { outcome } = scenarios.find((each: { name: string }) => each.name === 'tls');
  // Which versions a server accepts is not the client's to say; Node speaks none below 1.2.
  const recorded = Object.entries<string>(outcome).filter(([name]) => !name.startsWith('tls1'));
  test('are all tried here', () => expect(recorded.map(([name]) => name).sort()).toEqual(Object.keys(ways).sort()));

  test.each(recorded)('%s: %s', async (name, result) => {
    const got = await tried(ways[name]!);
    if (result === 'accepted') expect(got).toBe('accepted');
    else expect(got).toMatch(/^127\.0\.0\.1:\d+: UNAVAILABLE: /);
  });
});

test('verified by its chain alone, a server may have any name; a chain of others is refused all the same', async () => {
  expect(await tried(client('client', { verify: 'chain', serverName: 'not-aeraki' }))).toBe('accepted');
  watching!.close();
  expect(await tried(client('client', { verify: 'chain', ca: pem('other-root.pem') }))).toMatch(/UNAVAILABLE/);
});

test('plain text to a server that wants TLS', async () => {
  expect(await tried(undefined)).toMatch(/UNAVAILABLE/);
});

test('files are read for each connection: renewed certificates are used from the next one on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'meltemi-metards-'));
  const put = (from: string) => {
    copyFileSync(file(`${from}.pem`), join(folder, 'cert.pem'));
    copyFileSync(file(`${from}.key`), join(folder, 'key.pem'));
  };
  const runtime = new ManualRuntime();
  const tls = {
    cert: join(folder, 'cert.pem'),
    key: join(folder, 'key.pem'),
    ca: file('root.pem'),
    serverName: 'aeraki',
  };
  try {
    watching = new Watching({ address: server.address, tls }, runtime);
    expect(await watching.state('connecting')).toMatch(/TLS: ENOENT.*(cert|key)\.pem/);
    put('client-of-other');
    runtime.advance(runtime.nextDueAt - runtime.now());
    expect(await watching.state('connecting')).toMatch(/UNAVAILABLE/);
    put('client');
    runtime.advance(runtime.nextDueAt - runtime.now());
    (await server.streams.next()).answer('1', []);
    await watching.state('live');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('what is no PEM is told of', async () => {
  expect(await tried(client('client', { key: '-----BEGIN nonsense' }))).toMatch(/: TLS: /);
});

test('the name that is verified is one that Aeraki has, unless it is said', async () => {
  const nameFor = async (host: string, tls: MetaRdsTls = {}) =>
    (await security({ host, tls: { ca: pem('root.pem'), ...tls } })).channel['grpc.ssl_target_name_override'];
  expect(await nameFor('aeraki.istio-system.svc.cluster.local')).toBe('aeraki.istio-system.svc');
  expect(await nameFor('aeraki.istio-system')).toBe('aeraki.istio-system');
  expect(await nameFor('10.0.0.1')).toBeUndefined();
  expect(await nameFor('10.0.0.1', { serverName: 'aeraki' })).toBe('aeraki');
});
