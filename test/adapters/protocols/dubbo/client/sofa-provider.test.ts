import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type DubboClient,
  DubboException,
  DubboFrameworkError,
  dubboClient,
} from '../../../../../adapters/protocols/dubbo/client/index.js';
import { type Peer, startPeer } from '../../../../../examples/demo/peers/start-peer.js';
import { isFailure } from '../../../../../src/call/index.js';
import { SocketMesh } from './socket-mesh.js';

/** The typed client against a server that is not ours. */
describe('the client calls a sofa-rpc-node provider', () => {
  let provider: Peer;
  let mesh: SocketMesh;
  let demo: DubboClient;

  beforeAll(async () => {
    provider = await startPeer('examples/demo/peers/provider.mjs', ['--name', 'v1']);
    mesh = new SocketMesh(provider.port);
    demo = dubboClient(mesh, {
      host: 'demo',
      port: 20880,
      interface: 'org.apache.dubbo.samples.basic.api.DemoService',
      application: 'shop',
    });
  });
  afterAll(async () => {
    mesh.close();
    await provider.stop();
  });

  test('values go and come', async () => {
    expect(await demo.call('sayHello', ['world'])).toBe('Hello world, from v1');
    expect(await demo.call('addInt', [40, 2])).toBe(42);
    expect(await demo.call('echoBytes', [Buffer.from([1, 2, 3])])).toEqual(Buffer.from([1, 2, 3]));
    const map = { text: 'µ 😀', yes: true, list: [1, 2.5, null], big: 2n ** 60n, at: new Date(1_700_000_000_123) };
    expect(await demo.call('echoMap', [map])).toEqual({ ...map, big: String(2n ** 60n) }); // it reads longs as text
  });

  test('each subscription is a call', async () => {
    const calls = demo.invoke('sayHello', ['twice']);
    const seen: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      await new Promise<void>((resolve, reject) => {
        calls.subscribe({ next: (value) => seen.push(value), error: reject, complete: resolve });
      });
    }
    expect(seen).toEqual(['Hello twice, from v1', 'Hello twice, from v1']);
  });

  test('void and null are null', async () => {
    expect(await demo.call('ping')).toBeNull();
    expect(await demo.call('nothing', ['x'])).toBeNull();
  });

  test('the provider sees what the client says of itself and the caller attached', async () => {
    const options = { attachments: { 'x-user': 'alice' }, timeoutMs: 1500.2 };
    expect(await demo.call('attachments', [], options)).toEqual({
      dubbo: '2.0.2',
      path: 'org.apache.dubbo.samples.basic.api.DemoService',
      'remote.application': 'shop',
      interface: 'org.apache.dubbo.samples.basic.api.DemoService',
      version: '0.0.0',
      timeout: '1501',
      'x-user': 'alice',
    });
    expect(mesh.lastOptions).toMatchObject({ timeoutMs: 1500.2 });
  });

  test('what the method throws is an exception with class, message and frames', async () => {
    const error = await demo.call('failChecked', ['boom']).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DubboException);
    expect(error).toMatchObject({
      className: 'org.apache.dubbo.samples.basic.api.DemoException',
      message: 'boom',
      javaStack: ['at demo.Provider.fail(provider.mjs:1)'],
    });
    expect((error as Error).stack).toBe(
      'DubboException: org.apache.dubbo.samples.basic.api.DemoException: boom\n    at demo.Provider.fail(provider.mjs:1)',
    );
  });

  test('what the framework refuses is an error with its status', async () => {
    const error = await demo.call('failRuntime', ['burst']).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DubboFrameworkError);
    expect(error).toMatchObject({ status: 80, text: 'burst', message: '80 SERVER_ERROR: burst' });
    await expect(demo.call('noSuchMethod')).rejects.toMatchObject({ status: 80 });
    const other = dubboClient(mesh, { host: 'demo', port: 20880, interface: 'no.such.Service' });
    await expect(other.call('sayHello', ['x'])).rejects.toMatchObject({
      text: 'not found service: no.such.Service:0.0.0',
    });
  });

  test('echo is answered with the value, a one-way call with nothing', async () => {
    expect(await demo.echo('OK')).toBe('OK');
    expect(await demo.oneway('sayHello', ['nobody'])).toBeUndefined();
    expect(await demo.call('sayHello', ['after'])).toBe('Hello after, from v1');
  });

  test('a Failure of the mesh passes as it is', async () => {
    const dying = await startPeer('examples/demo/peers/provider.mjs');
    const its = new SocketMesh(dying.port);
    const client = dubboClient(its, {
      host: 'x',
      port: 1,
      interface: 'org.apache.dubbo.samples.basic.api.DemoService',
    });
    await client.call('sayHello', ['first']);
    const slow = client.call('slow', [60_000]).catch((thrown: unknown) => thrown);
    await dying.kill('SIGKILL');
    expect(isFailure(await slow)).toBe(true);
  });
});
