import { expect, test } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import type { Protocol } from '../../src/index.js';
import { DEMO, demoService, frames, message, payloadOf, type World, world } from './support.js';

async function reach({ mesh, server }: World, ...hosts: string[]): Promise<string[]> {
  for (const host of ['10.0.0.1', '10.0.0.2', '10.0.0.9', 'demo.test']) server(host);
  await mesh.ready();
  const replies: string[] = [];
  for (const host of hosts) {
    const reply = await firstValueFrom(mesh.call({ host, port: DEMO.port }, message('request', 'hi')));
    replies.push(payloadOf(reply.message!));
  }
  await mesh.close({ drainMs: 0 });
  return replies;
}

const passthrough = demoService.replace('simple: ROUND_ROBIN', 'simple: PASSTHROUGH');
const unresolved = demoService
  .replace('resolution: STATIC', 'resolution: NONE\n  addresses: [10.0.0.9]')
  .replace(/ {2}endpoints:\n.*\n.*\n/, '');

test('PASSTHROUGH: a caller that names an endpoint gets it', async () => {
  const named = ['10.0.0.2', '10.0.0.2', '10.0.0.1', '10.0.0.2'];
  expect(await reach(world(passthrough), ...named)).toEqual(named.map((host) => `${host} hi`));
});

test('otherwise a caller that chose an endpoint is balanced anew', async () => {
  const replies = await reach(world(demoService), '10.0.0.2', '10.0.0.2', '10.0.0.2', '10.0.0.2');
  expect(new Set(replies)).toEqual(new Set(['10.0.0.1 hi', '10.0.0.2 hi']));
});

test('resolution NONE: to the address that was called, by virtual address or name', async () => {
  expect(await reach(world(unresolved), '10.0.0.9', 'demo.test')).toEqual(['10.0.0.9 hi', 'demo.test hi']);
});

test("a protocol's addresses may be identities, whatever the rules say", async () => {
  const brokers: Protocol = { ...frames, traits: { addressIsIdentity: true } };
  const named = ['10.0.0.2', '10.0.0.2', '10.0.0.1', '10.0.0.2'];
  expect(await reach(world(demoService, { protocols: [brokers] }), ...named)).toEqual(
    named.map((host) => `${host} hi`),
  );
});
