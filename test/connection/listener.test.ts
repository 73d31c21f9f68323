import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { listen, plainTransport } from '../../src/connection/index.js';

/** Echoes, and drains by ending. */
function echoes(stream: Duplex) {
  stream.on('data', (chunk) => stream.write(chunk));
  stream.on('end', () => stream.end());
  return { drain: async () => void stream.end() };
}

describe('listen', () => {
  test('accepts on the loopback interface; close drains what is served', async () => {
    const drains: number[] = [];
    const listener = await listen({ port: 0 }, (stream) => ({
      ...echoes(stream),
      drain: async (ms) => {
        drains.push(ms);
        stream.end();
      },
    }));
    const client = connect(listener.port, '127.0.0.1');
    client.write('ping');
    expect(String((await once(client, 'data'))[0])).toBe('ping');
    expect([client.remoteAddress, listener.connections]).toEqual(['127.0.0.1', 1]);
    await listener.close(700);
    expect(drains).toEqual([700]);
    expect(listener.connections).toBe(0);
  });

  test('stop: accepts no more, and what is served goes on', async () => {
    await using listener = await listen({ port: 0 }, echoes);
    const { port } = listener;
    const client = connect(port, '127.0.0.1');
    client.write('one');
    await once(client, 'data');
    listener.stop();
    const [refused] = await once(connect(port, '127.0.0.1'), 'error');
    expect((refused as NodeJS.ErrnoException).code).toBe('ECONNREFUSED');
    client.write('two');
    expect(String((await once(client, 'data'))[0])).toBe('two');
    client.end();
    await listener.closed;
  });

  test('on a unix socket, dialled by the plain transport', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meltemi-'));
    const path = join(folder, 'echo.sock');
    await using listener = await listen({ path }, echoes);
    const client = plainTransport.connect({ path });
    await once(client, 'connect');
    client.end('ping');
    expect(String((await once(client, 'data'))[0])).toBe('ping');
    expect(listener.port).toBe(0);
    await once(client, 'close');
    await rm(folder, { recursive: true });
  });

  test('says which address is taken', async () => {
    await using listener = await listen({ port: 0 }, echoes);
    await expect(listen({ port: listener.port }, echoes)).rejects.toThrow(
      `EADDRINUSE: address already in use 127.0.0.1`,
    );
  });

  test("sockets live in the root context, not in the caller's", async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const listener = await storage.run('who listens', () =>
      listen({ port: 0 }, (stream) => {
        stream.on('data', () => seen.push(storage.getStore()));
        return echoes(stream);
      }),
    );
    const client = storage.run('who dials', () => plainTransport.connect({ host: '127.0.0.1', port: listener.port }));
    client.on('data', () => seen.push(storage.getStore()));
    const data = once(client, 'data');
    client.write('x');
    await data;
    expect(seen).toEqual([undefined, undefined]);
    client.end();
    await listener.close();
  });
});
