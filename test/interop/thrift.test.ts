import type { AddressInfo, Server } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { default as Thrift } from 'thrift';
import { startMesh } from '../../adapters/node/index.js';
import { thriftProtocol } from '../../adapters/protocols/thrift/index.js';
import { type Peer, startPeer } from '../../examples/demo/peers/start-peer.js';
import { RulesFolder } from '../../examples/demo/rules.js';
import type { Mesh } from '../../src/index.js';
import thrift from '../peers/npm-thrift.js';
import { Denied, EchoClient, EchoProcessor } from '../peers/thrift-echo.js';
import { freePort } from '../support/free-ports.mjs';

/** Apache Thrift for Python, Go and Java on both sides of the mesh, and against npm's; those that `thrift/kit.mjs` has built. */
const LANGUAGES = (process.env.THRIFT_PEERS ?? 'python,go,java').split(',');

const FOLDER = 'test/interop/thrift';
const COMMANDS: Record<string, readonly [command: string, ...args: string[]]> = {
  python: [`${FOLDER}/target/python/bin/python`, `${FOLDER}/python/peer.py`],
  go: [`${FOLDER}/target/go-peer`],
  java: [
    'java',
    '-Xshare:auto',
    '-Xmx128m',
    '-XX:TieredStopAtLevel=1',
    '-Dfile.encoding=UTF-8',
    '-cp',
    `${FOLDER}/target/java/thrift-peer.jar:${FOLDER}/target/java/lib/*`,
    'meltemi.peer.Peer',
  ],
};

interface Variant {
  readonly transport: string;
  readonly protocol: string;
}

function variantsOf(language: string): Variant[] {
  const transports = language === 'java' ? ['framed', 'buffered'] : ['framed', 'buffered', 'header'];
  return transports.flatMap((transport) =>
    ['binary', 'compact', 'json']
      .filter((protocol) => transport !== 'header' || protocol !== 'json')
      .map((protocol) => ({ transport, protocol })),
  );
}

interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly kind: string; readonly type?: number; readonly text: string };
  readonly headers?: Record<string, string>;
}

interface Client {
  call(method: string, args?: readonly unknown[], headers?: Record<string, string>): Promise<Answer>;
  stop(): Promise<void>;
}

function start(language: string, role: string, { transport, protocol }: Variant, port: number, flags: string[]) {
  const [command, ...args] = COMMANDS[language]!;
  const [file, ...more] = [...args, role, '--port', String(port), '--transport', transport, '--protocol', protocol];
  return startPeer(file!, [...more, ...flags], { command, readyWithinMs: 30_000 });
}

async function serverOf(language: string, variant: Variant, ...flags: string[]): Promise<Peer & { port: number }> {
  return start(language, 'server', variant, await freePort(), flags);
}

async function clientOf(language: string, variant: Variant, port: number, ...flags: string[]): Promise<Client> {
  const peer = await start(language, 'client', variant, port, flags);
  const waiting: ((answer: Answer) => void)[] = [];
  createInterface(peer.process.stdout!).on('line', (line) => {
    if (!line.startsWith('{"ready"')) waiting.shift()?.(JSON.parse(line) as Answer);
  });
  let id = 0;
  return {
    call: (method, args = [], headers) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        const line =
          language === 'java'
            ? [++id, method, ...args].join('\t')
            : JSON.stringify({ id: ++id, method, args, ...(headers && { headers }) });
        peer.process.stdin!.write(`${line}\n`);
      }),
    stop: () => peer.kill('SIGKILL'),
  };
}

const HOST = 'echo.example';
const SERVICE = `${HOST}:9090`;

function rulesFor(port: number): string {
  return `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: echo, namespace: test }
spec:
  hosts: [${HOST}]
  ports: [{ number: 9090, name: tcp-metaprotocol-thrift, protocol: TCP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { tcp-metaprotocol-thrift: ${port} } }]
---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: echo, namespace: test }
spec:
  hosts: [${HOST}]
  routes:
    - name: headers
      match: { attributes: { method: { exact: headers }, x-user: { exact: alice } } }
      route: [{ destination: { host: ${HOST} } }]
      requestMutation: [{ key: x-user, value: bob }, { key: added, value: 'yes' }]
      responseMutation: [{ key: served-by, value: mesh }]
    - name: named
      match: { attributes: { service: { exact: Echo } } }
      route: [{ destination: { host: ${HOST} } }]
    - name: pings
      match: { attributes: { method: { regex: 'ping|add|guarded|nothing|note|missing' } } }
      route: [{ destination: { host: ${HOST} } }]
  localRateLimit:
    conditions:
      - match: { attributes: { method: { exact: nothing } } }
        tokenBucket: { maxTokens: 1, tokensPerFill: 1, fillInterval: 60s }
`;
}

let mesh: Mesh;
let rules: RulesFolder;
const clients: Client[] = [];

beforeEach(async () => {
  rules = await RulesFolder.create();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.stop()));
  await mesh.close({ drainMs: 0 });
  await rules.remove();
});

async function through(port: number): Promise<number> {
  await rules.write('rules.yaml', rulesFor(port));
  mesh = await startMesh({ rules: rules.path, protocols: [] }, { protocols: [thriftProtocol({ oneway: ['note'] })] });
  await mesh.ready();
  return (await mesh.listen({ port: 0, service: SERVICE })).port;
}

async function client(language: string, variant: Variant, port: number, ...flags: string[]): Promise<Client> {
  const made = await clientOf(language, variant, port, ...flags);
  clients.push(made);
  return made;
}

const LONG = 'x'.repeat(100_000);

/** Every kind of call, as each client tells it. */
async function everything(peer: Client, server: string): Promise<void> {
  const [ping, add, guarded, missing, fails, nothing, note, long, noted] = await Promise.all([
    peer.call('ping', ['мимо']),
    peer.call('add', [2, 3]),
    peer.call('guarded', ['x']),
    peer.call('missing', ['x']),
    peer.call('add', [666, 1]),
    peer.call('nothing'),
    peer.call('note', ['a note']),
    peer.call('ping', [LONG]),
    peer.call('guarded', ['notes']),
  ]);
  expect(ping.result).toBe(`pong мимо, from ${server}`);
  expect(add.result).toBe(5);
  expect(guarded.error).toMatchObject({ kind: 'denied', text: 'no entry for x' });
  expect(missing.error).toMatchObject({ kind: 'application', type: 1, text: 'Unknown function missing' });
  expect(fails.error).toMatchObject({ kind: 'application', type: 6, text: 'handler fell over' });
  expect([nothing, note].map(({ error }) => error)).toEqual([undefined, undefined]);
  expect(long.result === `pong ${LONG}, from ${server}`).toBe(true);
  expect(noted.result).toContain('a note');
}

describe.each(LANGUAGES)('%s', (language) => {
  test.each(variantsOf(language))('$transport $protocol: its client calls its server', async (variant) => {
    const server = await serverOf(language, variant);
    try {
      await everything(await client(language, variant, await through(server.port)), language);
    } finally {
      await server.stop();
    }
  });

  test('what the mesh refuses its client raises, in every variant', async () => {
    for (const variant of variantsOf(language)) {
      const server = await serverOf(language, variant);
      try {
        await through(server.port);
        const { port } = await mesh.serve({ port: 0, service: SERVICE, forward: { port: server.port } });
        const peer = await client(language, variant, port);
        expect((await peer.call('nothing')).error).toBeUndefined();
        const { error } = await peer.call('nothing');
        expect({ variant, error }).toMatchObject({ variant, error: { kind: 'application', type: 6 } });
        expect(error!.text).toMatch(/^meltemi: RATE_LIMITED: /);
        expect((await peer.call('add', [20, 22])).result).toBe(42);
      } finally {
        await Promise.all(clients.splice(0).map((it) => it.stop())); // the mesh waits for those who do not hang up
        await mesh.close({ drainMs: 0 });
        await server.stop();
      }
    }
  });

  test('multiplexed: the service is an attribute, and the reply has the bare name', async () => {
    const variant = { transport: 'framed', protocol: 'binary' };
    const server = await serverOf(language, variant, '--multiplexed');
    try {
      const peer = await client(language, variant, await through(server.port), '--service', 'Echo');
      expect((await peer.call('ping', ['mux'])).result).toBe(`pong mux, from ${language}`);
      expect((await peer.call('guarded', ['x'])).error).toMatchObject({ kind: 'denied' });
    } finally {
      await server.stop();
    }
  });
});

describe.each(LANGUAGES.filter((language) => language !== 'java'))('%s over THeader', (language) => {
  test.each(['binary', 'compact'])('%s: pairs are matched and changed, both ways', async (protocol) => {
    const variant = { transport: 'header', protocol };
    const server = await serverOf(language, variant);
    try {
      const peer = await client(language, variant, await through(server.port));
      const { result, headers } = await peer.call('headers', [], { 'x-user': 'alice', other: 'é' });
      expect(JSON.parse(result as string)).toEqual({ 'x-user': 'bob', added: 'yes', other: 'é' });
      expect(headers).toMatchObject({ 'served-by': 'mesh' });
      const refused = await peer.call('headers', [], { 'x-user': 'mallory' });
      expect(refused.error).toMatchObject({ kind: 'application', type: 1 });
      expect(refused.error!.text).toMatch(/^meltemi: NO_ROUTE: /);
    } finally {
      await server.stop();
    }
  });

  test("zlib'd requests are understood", async () => {
    const variant = { transport: 'header', protocol: 'binary' };
    const server = await serverOf(language, variant);
    try {
      const peer = await client(language, variant, await through(server.port), '--zlib');
      expect((await peer.call('ping', ['zlib '.repeat(50)])).result).toBe(
        `pong ${'zlib '.repeat(50)}, from ${language}`,
      );
      expect((await peer.call('add', [1, 2])).result).toBe(3);
    } finally {
      await server.stop();
    }
  });
});

describe.each(LANGUAGES)('%s and npm', (language) => {
  const variants = ['binary', 'compact', 'json'].map((protocol) => ({ transport: 'framed', protocol }));
  const options = (protocol: string): Thrift.Options => ({
    transport: thrift.TFramedTransport,
    protocol: { binary: thrift.TBinaryProtocol, compact: thrift.TCompactProtocol, json: thrift.TJSONProtocol }[
      protocol
    ]!,
  });

  test.each(variants)("npm's client calls its server: $transport $protocol", async (variant) => {
    const server = await serverOf(language, variant);
    const port = await through(server.port);
    const connection = thrift.createConnection('127.0.0.1', port, options(variant.protocol));
    connection.on('error', () => {});
    try {
      const echo = thrift.createClient(EchoClient, connection);
      const pings = Array.from({ length: 20 }, (_, i) => echo.call('ping', `caller ${i}`));
      expect(await Promise.all(pings)).toEqual(pings.map((_, i) => `pong caller ${i}, from ${language}`));
      await expect(echo.call('guarded', 'x')).rejects.toEqual(new Denied('no entry for x'));
      await expect(echo.call('missing', 'x')).rejects.toMatchObject({ type: 1 });
    } finally {
      connection.end();
      await server.stop();
    }
  });

  describe('its client', () => {
    const servers = new Map<string, Server>();
    beforeAll(async () => {
      const handler = {
        ping: (who: unknown) => `pong ${who}, from npm`,
        add: (a: unknown, b: unknown) => Number(a) + Number(b),
        guarded: (key: unknown) => {
          throw new Denied(`no entry for ${key}`);
        },
      };
      for (const { protocol } of variants) {
        const server = thrift.createServer(EchoProcessor, handler, options(protocol));
        server.on('error', () => {});
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        servers.set(protocol, server);
      }
    });
    afterAll(() => {
      for (const server of servers.values()) server.close();
    });

    test.each(variants)("calls npm's server: $transport $protocol", async (variant) => {
      const { port } = servers.get(variant.protocol)!.address() as AddressInfo;
      const peer = await client(language, variant, await through(port));
      expect((await peer.call('ping', ['x'])).result).toBe('pong x, from npm');
      expect((await peer.call('add', [2, 3])).result).toBe(5);
      expect((await peer.call('guarded', ['x'])).error).toMatchObject({ kind: 'denied', text: 'no entry for x' });
    });
  });
});
