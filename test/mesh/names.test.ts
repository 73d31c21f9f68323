import { expect, test } from '@jest/globals';
import { ManualRuntime } from '../../src/testing/index.js';
import { demoService, world } from './support.js';

const byName = demoService
  .replace('resolution: STATIC', 'resolution: DNS')
  .replace(/ {4}- \{ address: 10\.0\.0\.1.*\n.*10\.0\.0\.2.*\n/, '    - { address: providers.test }\n');

test('each address of a named endpoint is balanced over, and addresses come and go with their TTL', async () => {
  const runtime = new ManualRuntime();
  let addresses = ['10.0.0.1', '10.0.0.2'];
  const names = { resolve: async () => ({ addresses, ttlMs: 5_000 }) };
  const { mesh, server, call } = world(byName, { runtime, names });
  for (const address of ['providers.test', '10.0.0.1', '10.0.0.2', '10.0.0.3']) server(address);
  await mesh.ready();
  const four = async () => new Set(await Promise.all([call(), call(), call(), call()]));
  expect(await call('first')).toMatch(/^(providers\.test|10\.0\.0\.[12]) first$/);
  expect(await four()).toEqual(new Set(['10.0.0.1 hello', '10.0.0.2 hello']));
  addresses = ['10.0.0.3'];
  await runtime.advanceAsync(5_000);
  expect(await four()).toEqual(new Set(['10.0.0.3 hello']));
  await mesh.close({ drainMs: 0 });
});
