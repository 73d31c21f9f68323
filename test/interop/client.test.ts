import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type DubboClient,
  DubboException,
  DubboFrameworkError,
  dubboClient,
} from '../../adapters/protocols/dubbo/index.js';
import type { Peer } from '../../examples/demo/peers/start-peer.js';
import { SocketMesh } from '../adapters/protocols/dubbo/client/socket-mesh.js';
import { javaProvider, LINES } from './kit.js';

const API = 'org.apache.dubbo.samples.basic.api';

/** The typed client's bytes against real Java providers, with nothing of the mesh between. */
describe.each(LINES)('the typed client calls a Java %s provider', (line) => {
  let provider: Peer;
  let mesh: SocketMesh;
  let demo: DubboClient;

  beforeAll(async () => {
    provider = await javaProvider(line, `java-${line}`);
    mesh = new SocketMesh(provider.port);
    demo = dubboClient(mesh, { host: 'x', port: 1, interface: `${API}.DemoService`, application: 'interop' });
  });
  afterAll(async () => {
    mesh.close();
    await provider.stop();
  });

  test('values of every kind', async () => {
    expect(await demo.call('sayHello', ['world'])).toBe(`Hello world, from java-${line}`);
    expect(await demo.call('echoString', ['µ 微 😀'.repeat(9000)])).toBe('µ 微 😀'.repeat(9000));
    expect(await demo.call('addInt', [2 ** 30, -1])).toBe(2 ** 30 - 1);
    expect(await demo.call('addLong', [2n ** 62n, 1], { types: ['long', 'long'] })).toBe(2n ** 62n + 1n);
    expect(await demo.call('addDouble', [1, 0.25], { types: ['double', 'double'] })).toBe(1.25);
    expect(await demo.call('addDouble', [Number.NaN, 1], { types: ['double', 'double'] })).toBeNaN();
    expect(await demo.call('addFloat', [1.5, 2], { types: ['F', 'F'] })).toBe(3.5);
    expect(await demo.call('echoShort', [-300], { types: ['short'] })).toBe(-300);
    expect(await demo.call('echoByte', [-5], { types: ['byte'] })).toBe(-5);
    expect(await demo.call('echoChar', ['µ'], { types: ['char'] })).toBe('µ');
    expect(await demo.call('not', [true])).toBe(false);
    expect(await demo.call('boxed', [null], { types: ['java.lang.Integer'] })).toBeNull();
    expect(await demo.call('echoDate', [new Date(-1)])).toEqual(new Date(-1));
    const bytes = Buffer.alloc(100_000, 'bytes');
    expect(bytes.equals((await demo.call('echoBytes', [bytes])) as Buffer)).toBe(true);
    expect(await demo.call('ping')).toBeNull();
    expect(await demo.call('nothing', ['x'])).toBeNull();
    expect(await demo.call('later', ['you'])).toBe('Later you');
  });

  test('arrays, lists, maps and objects', async () => {
    expect(await demo.call('echoInts', [[1, -2, 300_000]], { types: ['int[]'] })).toEqual([1, -2, 300_000]);
    expect(await demo.call('echoStrings', [['a', null, '']], { types: ['java.lang.String[]'] })).toEqual([
      'a',
      null,
      '',
    ]);
    expect(await demo.call('echoList', [['p', 'q']])).toEqual(['p', 'q']);
    const map = { s: 'text', i: 1, l: 2n ** 60n, d: 2.5, t: true, n: null, list: ['x'], at: new Date(0) };
    expect(await demo.call('echoMap', [map])).toEqual(map);
    expect(await demo.call('echoObject', [new Set(['s'])], { types: ['java.lang.Object'] })).toEqual(['s']);
    expect(await demo.call('echoColour', ['GREEN'], { types: [`${API}.Colour`] })).toEqual({ name: 'GREEN' });
    const profile = { name: 'Ada', age: 36, tags: ['x'], balance: { $class: 'java.math.BigDecimal', $: '10.50' } };
    const types = [`${API}.Profile`];
    const back = (await demo.call('echoProfile', [profile], { types })) as Record<string, unknown>;
    expect(back).toMatchObject({ name: 'Ada', age: 36, tags: ['x'], balance: { value: '10.50' } });
    expect(await demo.call('echoProfile', [back])).toEqual(back); // with the class it came with
    const two = [
      { $class: `${API}.Profile`, $: { name: 'a' } },
      { $class: `${API}.Profile`, $: { age: 2, name: 'b' } },
    ];
    const both = await demo.call('echoProfileArray', [two], { types: [`${API}.Profile[]`] });
    expect(both).toMatchObject([
      { name: 'a', age: 0 },
      { name: 'b', age: 2 },
    ]);
  });

  test('types choose the overload', async () => {
    expect(await demo.call('overloaded', [5])).toBe('int 5');
    expect(await demo.call('overloaded', ['5'])).toBe('String 5');
    const types = ['int', 'java.lang.String', 'long[]'];
    expect(await demo.call('overloaded', [1, 'x', [1, 2, 3]], { types })).toBe('1 x 3');
  });

  test('group and version choose the service', async () => {
    const blue = dubboClient(mesh, {
      host: 'x',
      port: 1,
      interface: `${API}.DemoService`,
      group: 'blue',
      version: '1.0.0',
    });
    expect(await blue.call('sayHello', ['blue'])).toBe(`Hello blue, from java-${line}`);
    const nobody = dubboClient(mesh, { host: 'x', port: 1, interface: `${API}.DemoService`, version: '9.9.9' });
    const error = await nobody.call('sayHello', ['x']).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DubboFrameworkError);
    expect(error).toMatchObject({ status: line === '2.7' ? 70 : 40 });
  });

  test('attachments go and come', async () => {
    const seen = await demo.call('attachments', [], { attachments: { 'x-user': 'alice', empty: '' } });
    expect(seen).toMatchObject({ 'x-user': 'alice', empty: '', 'remote.application': 'interop' });
    let servedBy: string | undefined;
    await demo.call('replyAttachments', ['bob'], {
      onReply: (reply) => {
        servedBy = reply.get('served-by');
      },
    });
    expect(servedBy).toBe(`java-${line}`);
  });

  test('exceptions', async () => {
    const error = (await demo.call('failRuntime', ['oops']).catch((thrown: unknown) => thrown)) as DubboException;
    expect(error).toBeInstanceOf(DubboException);
    expect(error).toMatchObject({ className: 'java.lang.IllegalStateException', message: 'oops' });
    expect(error.cause).toBeUndefined();
    expect(error.javaStack[0]).toMatch(/^at meltemi\.peer\.DemoServiceImpl\.failRuntime\(DemoServiceImpl\.java:\d+\)$/);
    const checked = demo.call('failChecked', ['checked']);
    await expect(checked).rejects.toMatchObject({ className: `${API}.DemoException`, fields: { code: 42 } });
    // 3.3's serialization check does not send exceptions of classes that it was not told to trust.
    await expect(demo.call('failCustom', ['custom'])).rejects.toMatchObject(
      line === '3.3' ? { status: 50 } : { className: `${API}.DemoRuntimeException`, message: 'custom' },
    );
  });

  test('generic calls, echo, one-way', async () => {
    expect(await demo.generic('sayHello', ['java.lang.String'], ['generic'])).toBe(`Hello generic, from java-${line}`);
    const profile = { class: `${API}.Profile`, name: 'generic', age: 11 };
    expect(await demo.generic('echoProfile', [`${API}.Profile`], [profile])).toMatchObject({
      name: 'generic',
      age: 11,
    });
    const failed = demo.generic('failRuntime', ['java.lang.String'], ['oops']);
    await expect(failed).rejects.toMatchObject({ className: 'java.lang.IllegalStateException', message: 'oops' });
    expect(await demo.echo({ any: 'thing' })).toEqual({ any: 'thing' });
    expect(await demo.oneway('fire', ['and forget'])).toBeUndefined();
  });
});
