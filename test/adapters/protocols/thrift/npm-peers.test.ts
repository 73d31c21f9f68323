import type { AddressInfo, Server } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { default as Thrift } from 'thrift';
import { startMesh } from '../../../../adapters/node/index.js';
import { thriftProtocol } from '../../../../adapters/protocols/thrift/index.js';
import { fileSource } from '../../../../adapters/sources/file/index.js';
import { RulesFolder } from '../../../../examples/demo/rules.js';
import { createMesh, type Mesh } from '../../../../src/index.js';
import thrift from '../../../peers/npm-thrift.js';
import { Denied, EchoClient, type EchoHandler, EchoProcessor } from '../../../peers/thrift-echo.js';

/** npm's thrift, unmodified, as client and server on both sides of the mesh, over real sockets. */
const HOST = 'echo.example';
const PORT = 9090;
const SERVICE = `${HOST}:${PORT}`;

const SUBSETS = `
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: echo, namespace: test }
spec:
  host: ${HOST}
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: echo, namespace: test }
spec:
  hosts: [${HOST}]
  routes:
    - name: pings
      match: { attributes: { method: { exact: ping } } }
      route: [{ destination: { host: ${HOST}, subset: v2 } }]
    - name: second
      match: { attributes: { service: { exact: Second } } }
      route: [{ destination: { host: ${HOST}, subset: v2 } }]
    - name: others
      route: [{ destination: { host: ${HOST}, subset: v1 } }]
  localRateLimit:
    conditions:
      - match: { attributes: { method: { exact: slow } } }
        tokenBucket: { maxTokens: 1, tokensPerFill: 1, fillInterval: 60s }
`;

function serviceEntry(v1: number, v2: number, protocol = 'thrift'): string {
  return `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: echo, namespace: test }
spec:
  hosts: [${HOST}]
  ports: [{ number: ${PORT}, name: tcp-metaprotocol-${protocol}, protocol: TCP }]
  resolution: STATIC
  endpoints:
    - { address: 127.0.0.1, ports: { tcp-metaprotocol-${protocol}: ${v1} }, labels: { version: v1 } }
    - { address: 127.0.0.1, ports: { tcp-metaprotocol-${protocol}: ${v2} }, labels: { version: v2 } }
`;
}

const noted: string[] = [];

function handler(name: string): EchoHandler {
  return {
    ping: (who) => `pong ${who}, from ${name}`,
    add: (a, b) => {
      if (a === 666) throw new Error('handler fell over');
      return Number(a) + Number(b);
    },
    slow: (ms) => new Promise((resolve) => setTimeout(resolve, Number(ms), `slept ${ms}`)),
    guarded: (key) => {
      throw new Denied(`no entry for ${key}`);
    },
    nothing: () => undefined,
    note: (text) => void noted.push(`${text}, at ${name}`),
  };
}

const TRANSPORTS = { framed: thrift.TFramedTransport, buffered: thrift.TBufferedTransport };
const PROTOCOLS = { binary: thrift.TBinaryProtocol, compact: thrift.TCompactProtocol, json: thrift.TJSONProtocol };

async function listening(server: Server): Promise<number> {
  server.on('error', () => {}); // what becomes of a client that goes while it is answered
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

let mesh: Mesh;
let rules: RulesFolder;
const connections: Thrift.Connection[] = [];

async function under(v1: number, v2: number, protocol?: ReturnType<typeof thriftProtocol>): Promise<void> {
  rules = await RulesFolder.create();
  await rules.write('services.yaml', serviceEntry(v1, v2, protocol?.name));
  await rules.write('router.yaml', SUBSETS);
  mesh =
    protocol === undefined
      ? await startMesh({ rules: rules.path, protocols: ['thrift'] })
      : createMesh({ sources: [fileSource({ paths: rules.path })], protocols: [protocol] });
  await mesh.ready();
}

afterEach(async () => {
  for (const connection of connections.splice(0)) connection.end();
  await mesh.close({ drainMs: 0 });
  await rules.remove();
});

function connected(connection: Thrift.Connection): Thrift.Connection {
  connection.on('error', () => {});
  connections.push(connection);
  return connection;
}

async function listenerClient(options: Thrift.Options): Promise<EchoClient> {
  const { port } = await mesh.listen({ port: 0, service: SERVICE });
  return thrift.createClient(EchoClient, connected(thrift.createConnection('127.0.0.1', port, options)));
}

async function servedClient(to: number, options: Thrift.Options): Promise<EchoClient> {
  const { port } = await mesh.serve({ port: 0, service: SERVICE, forward: { port: to } });
  return thrift.createClient(EchoClient, connected(thrift.createConnection('127.0.0.1', port, options)));
}

const variants = Object.entries(TRANSPORTS).flatMap(([t, transport]) =>
  Object.entries(PROTOCOLS)
    // npm's reader of JSON takes no message that is not framed, not even its own.
    .filter(([p]) => t === 'framed' || p !== 'json')
    .map(([p, protocol]) => ({ name: `${t} ${p}`, options: { transport, protocol } })),
);

describe.each(variants)('$name', ({ options }) => {
  const servers: Server[] = [];
  let v1: number;
  let v2: number;

  beforeAll(async () => {
    for (const name of ['v1', 'v2']) servers.push(thrift.createServer(EchoProcessor, handler(name), options));
    [v1, v2] = (await Promise.all(servers.map(listening))) as [number, number];
  });
  afterAll(() => {
    for (const server of servers) server.close();
  });

  test.each([
    ['a port', () => listenerClient(options)],
    [
      'a stream',
      async () => thrift.createClient(EchoClient, connected(new thrift.Connection(mesh.connect(HOST, PORT), options))),
    ],
  ])('calls through %s are routed, and answered as without a mesh', async (_, open) => {
    await under(v1, v2);
    const client = await open();
    expect(await client.call('ping', 'мимо')).toBe('pong мимо, from v2');
    expect(await client.call('add', 2, 3)).toBe(5);
    expect(await client.call('nothing')).toBeUndefined();
    await expect(client.call('guarded', 'x')).rejects.toEqual(new Denied('no entry for x'));
    await expect(client.call('missing', 'x')).rejects.toMatchObject({ type: 1, message: 'Unknown function missing' });
    await expect(client.call('add', 666, 1)).rejects.toMatchObject({ type: 6, message: 'handler fell over' });
    await client.call('note', `a note, ${_}`);
    expect(await client.call('ping', 'x'.repeat(70_000))).toBe(`pong ${'x'.repeat(70_000)}, from v2`);
    expect(await client.call('add', 20, 22)).toBe(42);
    expect(noted).toContain(`a note, ${_}, at v1`);
  });

  test('many calls at once: none lost, none crossed', async () => {
    await under(v1, v2);
    const clients = await Promise.all([listenerClient(options), listenerClient(options)]);
    const calls = Array.from({ length: 60 }, (_, i) => clients[i % 2]!.call('ping', `caller ${i}`));
    expect(await Promise.all(calls)).toEqual(calls.map((_, i) => `pong caller ${i}, from v2`));
  });

  test('what the mesh refuses is a TApplicationException with its text', async () => {
    await under(v1, v2);
    const client = await servedClient(v1, options);
    expect(await client.call('slow', 1)).toBe('slept 1');
    await expect(client.call('slow', 1)).rejects.toMatchObject({
      name: 'TApplicationException',
      type: 6,
      message: expect.stringMatching(/^meltemi: RATE_LIMITED: /),
    });
    expect(await client.call('ping', 'still')).toBe('pong still, from v1');
  });
});

const OPTIONS = { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol };

describe('framed binary', () => {
  let server: Server;
  let port: number;
  let opened: number;

  beforeAll(async () => {
    server = thrift.createServer(EchoProcessor, handler('v1'), OPTIONS);
    server.on('connection', () => opened++);
    port = await listening(server);
  });
  beforeEach(() => {
    opened = 0;
  });
  afterAll(() => void server.close());

  test('calls of one connection run side by side, each on a connection of its own', async () => {
    await under(port, port);
    const client = await listenerClient(OPTIONS);
    const done: number[] = [];
    const slow = client.call('slow', 40).then(() => done.push(40));
    const quick = client.call('slow', 1).then(() => done.push(1));
    await Promise.all([slow, quick]);
    // In the order of the requests: clients of most languages match by nothing else.
    expect(done).toEqual([40, 1]);
    expect(opened).toBe(2);
  });

  test('they share one where the protocol is told so, and are answered as they are done', async () => {
    await under(port, port, thriftProtocol({ name: 'sharedthrift', sharing: 'multiplexed' }));
    const client = await listenerClient(OPTIONS);
    const done: number[] = [];
    await Promise.all([40, 1].map((ms) => client.call('slow', ms).then(() => done.push(ms))));
    expect(done).toEqual([1, 40]);
    expect(opened).toBe(1);
  });

  test('a server that is gone is an error, not a silence', async () => {
    const dying = thrift.createServer(EchoProcessor, handler('dying'), OPTIONS);
    const sockets = new Set<{ destroy(): void }>();
    dying.on('connection', (socket) => sockets.add(socket));
    await under(port, port);
    const client = await servedClient(await listening(dying), OPTIONS);
    await client.call('ping', 'first');
    const hanging = client.call('slow', 60_000);
    await client.call('note', 'queued behind it');
    await new Promise((resolve) => setImmediate(resolve));
    dying.close();
    for (const socket of sockets) socket.destroy();
    await expect(hanging).rejects.toThrow('meltemi: CONNECTION_LOST: ');
    await expect(client.call('ping', 'x')).rejects.toThrow('meltemi: CONNECT_FAILED: ');
  });
});

describe('multiplexed', () => {
  const servers: Server[] = [];
  let v1: number;
  let v2: number;

  beforeAll(async () => {
    for (const name of ['v1', 'v2']) {
      const processor = new thrift.MultiplexedProcessor();
      processor.registerProcessor('First', new EchoProcessor(handler(`${name} First`)));
      processor.registerProcessor('Second', new EchoProcessor(handler(`${name} Second`)));
      servers.push(thrift.createMultiplexServer(processor, OPTIONS));
    }
    [v1, v2] = (await Promise.all(servers.map(listening))) as [number, number];
  });
  afterAll(() => {
    for (const server of servers) server.close();
  });

  test('services are attributes, and replies find their client', async () => {
    await under(v1, v2);
    const { port } = await mesh.listen({ port: 0, service: SERVICE });
    const connection = connected(thrift.createConnection('127.0.0.1', port, OPTIONS));
    const multiplexer = new thrift.Multiplexer();
    const first = multiplexer.createClient('First', EchoClient, connection);
    const second = multiplexer.createClient('Second', EchoClient, connection);
    await expect(first.call('guarded', 'x')).rejects.toThrow('no entry for x');
    expect(await second.call('slow', 1)).toBe('slept 1');
    expect(await Promise.all([first.call('ping', 'a'), second.call('ping', 'b'), first.call('ping', 'c')])).toEqual([
      'pong a, from v2 First',
      'pong b, from v2 Second',
      'pong c, from v2 First',
    ]);
  });
});
