import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Dubbo2Client, dubbo2Client } from '../../examples/demo/peers/dubbo2-client.js';
import { type Peer, startPeer } from '../../examples/demo/peers/start-peer.js';

/**
 * The real npm peers against each other, with nothing of ours between: what the tests and the demo take for granted.
 */
describe('dubbo2.js calls the sofa-rpc-node provider', () => {
  let provider: Peer;
  let client: Dubbo2Client;

  beforeAll(async () => {
    provider = await startPeer('examples/demo/peers/provider.mjs', ['--name', 'v1']);
    client = dubbo2Client({ host: '127.0.0.1', port: provider.port });
  });
  afterAll(async () => {
    client.close();
    await provider.stop();
  });

  test('a call is answered by name', async () => {
    expect(await client.sayHello('world')).toBe('Hello world, from v1');
    expect(await client.slow(5)).toBe('slept 5');
    expect(await client.echoMap({ a: 1, b: 'x' })).toEqual({ a: 1, b: 'x' });
  });

  test('the provider sees the attachments', async () => {
    expect(await client.attachments()).toMatchObject({
      path: 'org.apache.dubbo.samples.basic.api.DemoService',
      version: '0.0.0',
      application: 'dubbo2.js',
    });
  });

  test('a business exception is the error that Java sent', async () => {
    await expect(client.failChecked('boom')).rejects.toMatchObject({
      name: 'org.apache.dubbo.samples.basic.api.DemoException',
      message: 'boom',
    });
  });

  test('a framework error is an error with its text', async () => {
    await expect(client.failRuntime('burst')).rejects.toThrow('burst');
    await expect(client.noSuchMethod()).rejects.toThrow('Can not find method');
  });
});

test('a program that ends before it is ready is an error with what it complained of', async () => {
  await expect(startPeer('examples/demo/peers/provider.mjs', ['--unknown-flag'])).rejects.toThrow('unknown-flag');
});

test('a killed peer is known to be gone', async () => {
  const provider = await startPeer('examples/demo/peers/provider.mjs');
  await provider.kill('SIGKILL');
  expect(provider.process.signalCode).toBe('SIGKILL');
});
