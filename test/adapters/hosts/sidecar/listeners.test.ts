import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Listeners } from '../../../../adapters/hosts/sidecar/listeners.js';
import type { WantedListener } from '../../../../adapters/hosts/sidecar/wanted.js';
import { demoService, type World, world } from '../../../mesh/support.js';
import { freePort } from '../../../support/free-ports.mjs';

describe('listeners that are wanted elsewhere', () => {
  let one: World;
  let listeners: Listeners;
  let told: string[];

  beforeEach(() => {
    one = world(`${demoService}---${demoService.replaceAll('demo', 'other')}`);
    told = [];
    listeners = new Listeners(one.mesh, {
      drainMs: () => 0,
      opened: ({ port }) => told.push(`opened ${port}`),
      closed: ({ port }) => told.push(`closed ${port}`),
      failed: ({ wanted }) => told.push(`failed ${wanted.port}`),
    });
  });
  afterEach(async () => {
    listeners.stop();
    await one.mesh.close({ drainMs: 0 });
  });

  const at = (port: number, service = 'demo.test:9000'): WantedListener => ({
    kind: 'outbound',
    host: '127.0.0.1',
    port,
    service,
  });

  async function accepts(port: number): Promise<boolean> {
    const socket = connect(port, '127.0.0.1');
    const accepted = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    return accepted;
  }

  test('go on where they are until the other port can be had', async () => {
    const before = await freePort();
    await listeners.want([at(before)]);
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await listeners.want([at(port)]);
    expect(told).toEqual([`opened ${before}`, `failed ${port}`]);
    expect(await accepts(before)).toBe(true);
    other.close();
    await once(other, 'close');
    await listeners.want([at(port)]);
    expect(told.slice(2)).toEqual([`opened ${port}`, `closed ${before}`]);
    expect([await accepts(before), await accepts(port)]).toEqual([false, true]);
  });

  test('are closed where nothing stands for the same any more, whatever else fails', async () => {
    const [before, taken] = [await freePort(), createServer().listen(0, '127.0.0.1')];
    await once(taken, 'listening');
    await listeners.want([at(before)]);
    const { port } = taken.address() as AddressInfo;
    await listeners.want([{ kind: 'inbound', host: '127.0.0.1', port, forward: { host: '127.0.0.1', port: 1 } }]);
    expect(told).toEqual([`opened ${before}`, `failed ${port}`, `closed ${before}`]);
    taken.close();
  });

  test('give their port to whoever is to have it now', async () => {
    const [first, second] = [await freePort(), await freePort()];
    await listeners.want([at(first), at(second, 'other.test:9000')]);
    await listeners.want([at(second), at(first, 'other.test:9000')]);
    expect(told.slice(2)).toEqual([`closed ${first}`, `closed ${second}`, `opened ${second}`, `opened ${first}`]);
  });
});
