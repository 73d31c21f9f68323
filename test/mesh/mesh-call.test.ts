import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { dubbo, dubboClient } from '../../adapters/protocols/dubbo/index.js';
import { fileSource } from '../../adapters/sources/file/index.js';
import { type Peer, startPeer } from '../../examples/demo/peers/start-peer.js';
import { services } from '../../examples/demo/rules.js';
import { createMesh, type Mesh } from '../../src/index.js';

const HOST = 'org.apache.dubbo.samples.basic.api.demoservice';
let v1: Peer;
let v2: Peer;
let mesh: Mesh;

beforeAll(async () => {
  const file = join(import.meta.dirname, '../../examples/demo/peers/provider.mjs');
  [v1, v2] = await Promise.all([startPeer(file, ['--name', 'v1']), startPeer(file, ['--name', 'v2'])]);
  const folder = mkdtempSync(join(tmpdir(), 'meltemi-'));
  writeFileSync(join(folder, 'services.yaml'), services(v1.port, v2.port));
  mesh = createMesh({ sources: [fileSource({ paths: folder, watch: false })], protocols: [dubbo] });
  await mesh.ready();
});

afterAll(async () => {
  await mesh.close();
  await Promise.all([v1.stop(), v2.stop()]);
});

test('mesh.call balances by request', async () => {
  const client = dubboClient(mesh, {
    host: HOST,
    port: 20880,
    interface: 'org.apache.dubbo.samples.basic.api.DemoService',
  });
  const answers = [];
  for (let i = 0; i < 10; i++) answers.push(await client.call('sayHello', ['x']));
  expect(answers.filter((it) => String(it).endsWith('v1'))).toHaveLength(5);
});
