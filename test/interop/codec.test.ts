import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dubbo } from '../../adapters/protocols/dubbo/index.js';
import type { Peer } from '../../examples/demo/peers/start-peer.js';
import { ByteQueue, type Bytes, type Message, Mutation, type Side } from '../../src/message/index.js';
import { bytesOf, decoded, entry } from '../adapters/protocols/dubbo/golden.js';
import { javaConsumer, javaProvider, LINES } from './kit.js';

const HESSIAN = 'apache-dubbo-2.7.23-attachments.json';
const FASTJSON2 = 'apache-dubbo-3.3.6-fastjson2.json';

/** Serializations of a line, with what makes a consumer of it use them. */
function serializations(line: string): { name: string; file: string; flags: string[] }[] {
  const hessian = { name: 'Hessian', file: HESSIAN, flags: [] };
  if (line === '2.7') return [hessian];
  const parameters = 'serialization=fastjson2,prefer.serialization=fastjson2';
  return [hessian, { name: 'fastjson2', file: FASTJSON2, flags: ['--parameters', parameters] }];
}

/** Each message that comes in on the socket. */
function each(socket: Socket, side: Side, take: (message: Message) => void): void {
  const codec = dubbo.open(side);
  const input = new ByteQueue();
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    input.push(chunk);
    for (let message = codec.decode(input); message !== null; message = codec.decode(input)) take(message);
  });
}

/** What the provider answers to these bytes, as text. */
async function ask(port: number, bytes: Bytes): Promise<{ status: string | undefined; text: string }> {
  const socket = connect(port, '127.0.0.1');
  const answered = new Promise<Message>((resolve) => each(socket, 'upstream', resolve));
  socket.write(Buffer.concat(bytes));
  const reply = await answered;
  socket.destroy();
  return { status: reply.status, text: Buffer.concat(reply.bytes).toString() };
}

async function listen(onConnection: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer(onConnection).listen(0);
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** What the codec writes, as real Java reads it. */
describe.each(LINES)('Java Dubbo %s reads', (line) => {
  const codec = dubbo.open('upstream');
  let provider: Peer;

  beforeAll(async () => {
    provider = await javaProvider(line);
  });
  afterAll(async () => {
    await provider.stop();
  });

  test.each(serializations(line))('attachments that were set and deleted in $name', async ({ file }) => {
    const request = decoded(bytesOf(entry(file, 'attachments-two').request!));
    const mutation = new Mutation().set('x-user', 'bob').set('x-new', '新 µ').delete('TraceParent');
    const { status, text } = await ask(provider.port, codec.encode(request, { idHigh: -5, idLow: 7 }, mutation));
    expect(status).toBe('20');
    expect(text).toContain('bob');
    expect(text).toContain('新 µ');
    expect(text).not.toContain('alice');
    expect(text).not.toContain('0af7651916cd43dd8448eb211c80319c');
  });

  test('the later of two attachments with one key, and null over a value', async () => {
    const bytes = bytesOf(entry(HESSIAN, 'attachments-two').request!);
    const twice = Buffer.concat([bytes.subarray(0, -1), Buffer.from('\x06x-user\x05carol\x0btraceparentNZ', 'latin1')]);
    twice.writeInt32BE(twice.length - 16, 12);
    const { status, text } = await ask(provider.port, [twice]);
    expect(status).toBe('20');
    expect(text).toContain('carol');
    expect(text).not.toContain('alice');
    expect(text).not.toContain('0af7651916cd43dd8448eb211c80319c');
  });

  test('a large frame of which only the end was written anew', async () => {
    const request = decoded(bytesOf(entry('apache-dubbo-2.7.23-values.json', 'string-120k').request!));
    const { status } = await ask(provider.port, codec.encode(request, undefined, new Mutation().set('x-user', 'bob')));
    expect(status).toBe('20');
  });

  test.each(serializations(line))('a refusal in $name as an error with its text', async ({ flags }) => {
    const refuse = { code: 'RATE_LIMITED', message: 'RATE_LIMITED: too many' };
    const { server, port } = await listen((socket) => {
      const codec = dubbo.open('downstream');
      each(socket, 'downstream', (message) => {
        const back = codec.answer!(message) ?? codec.reject(message, refuse);
        if (back !== undefined) socket.write(Buffer.concat(back as Buffer[]));
      });
    });
    const consumer = await javaConsumer(line, port, ...flags);
    const call = await consumer.call('world');
    expect(call).toMatchObject({ ok: false, error: 'org.apache.dubbo.rpc.RpcException', code: '1' });
    expect(call.message).toContain('meltemi: RATE_LIMITED: too many');
    await consumer.stop();
    server.close();
  });

  test.each(serializations(line))('replies in $name whose attachments were changed', async ({ flags }) => {
    const seen = new Set<number>();
    const { server, port } = await listen((socket) => {
      const upstream = connect(provider.port, '127.0.0.1');
      socket.on('close', () => upstream.destroy());
      each(socket, 'downstream', (message) => {
        if (message.kind === 'request') seen.add(message.tag & 0x1f);
        upstream.write(Buffer.concat(codec.encode(message, undefined, new Mutation().set('x-via', 'mesh'))));
      });
      each(upstream, 'upstream', (message) => {
        const mutation = new Mutation().set('x-served-by', 'mesh').delete('dubbo');
        socket.write(Buffer.concat(codec.encode(message, undefined, mutation)));
      });
    });
    const consumer = await javaConsumer(line, port, ...flags);
    expect(await consumer.call('world')).toMatchObject({ ok: true, result: 'Hello world, from provider' });
    expect([...seen]).toEqual([flags.length === 0 ? 2 : 23]);
    await consumer.stop();
    server.close();
  });
});
