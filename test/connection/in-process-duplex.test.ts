import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { inProcessDuplex } from '../../src/connection/index.js';

describe('inProcessDuplex', () => {
  test('what one end writes the other reads, in both directions', async () => {
    const [client, server] = inProcessDuplex();
    client.write('ping');
    expect(String((await once(server, 'data'))[0])).toBe('ping');
    server.write('pong');
    expect(String((await once(client, 'data'))[0])).toBe('pong');
  });

  test('a chunk of the client is its own again once its write is acknowledged', async () => {
    const [client, server] = inProcessDuplex();
    const chunk = Buffer.from('first');
    await new Promise((resolve) => client.write(chunk, resolve));
    chunk.fill('x');
    expect(String(server.read())).toBe('first');
  });

  test('a reader that does not read holds the writer back, and loses nothing', async () => {
    const [client, server] = inProcessDuplex({ highWaterMark: 1024 });
    let written = 0;
    while (client.write(Buffer.alloc(512, written % 256))) written++;
    written++;
    expect(written).toBeLessThan(8);
    let read = 0;
    server.on('data', (chunk: Buffer) => {
      read += chunk.length;
    });
    await once(client, 'drain');
    expect(read).toBe(written * 512);
  });

  test('end closes one direction only', async () => {
    const [client, server] = inProcessDuplex();
    client.end('question');
    const parts: string[] = [];
    server.on('data', (chunk) => parts.push(String(chunk)));
    await once(server, 'end');
    client.on('data', (chunk) => parts.push(String(chunk)));
    server.end('answer');
    await once(client, 'end');
    expect(parts).toEqual(['question', 'answer']);
  });

  test('destroy takes the other end with it; an error there is a reset here', async () => {
    const [client, server] = inProcessDuplex();
    server.resume();
    client.on('error', () => {});
    client.destroy(new Error('mine'));
    const [error] = await once(server, 'error');
    expect(error.code).toBe('ECONNRESET');
    const [a, b] = inProcessDuplex();
    a.destroy();
    await once(b, 'close');
    expect(b.errored).toBeNull();
  });

  test('an end that said goodbye and is destroyed leaves what it wrote to be read', async () => {
    const [client, server] = inProcessDuplex();
    await new Promise<void>((resolve) => server.end('last words', resolve));
    server.destroy();
    await once(server, 'close');
    const parts: string[] = [];
    client.on('data', (chunk) => parts.push(String(chunk)));
    await once(client, 'end');
    expect(parts).toEqual(['last words']);
    client.write('too late');
    expect((await once(client, 'error'))[0].code).toBe('EPIPE');
  });

  test('has what clients call on sockets', () => {
    const [client] = inProcessDuplex({ host: 'demo', port: 20880 });
    expect(client.setNoDelay().setKeepAlive().setTimeout().ref().unref()).toBe(client);
    expect([client.remoteAddress, client.remotePort, client.connecting]).toEqual(['demo', 20880, false]);
  });
});
