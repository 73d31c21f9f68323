import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { installInbound } from '../../adapters/hosts/register/inbound.js';
import { startMesh } from '../../adapters/node/index.js';
import { type Dubbo2Client, dubbo2Client } from '../../examples/demo/peers/dubbo2-client.js';
import { startPeer } from '../../examples/demo/peers/start-peer.js';
import { RulesFolder } from '../../examples/demo/rules.js';
import { workloadRules } from '../adapters/hosts/register/support/served.js';
import thrift from '../peers/npm-thrift.js';
import { sofaClient } from '../peers/sofa-client.js';
import { EchoClient, EchoProcessor } from '../peers/thrift-echo.js';
import { freePort } from '../support/free-ports.mjs';
import { type Ended, Preloaded } from './preloaded.js';

/** Unmodified servers of npm, each with the mesh in front of it: equal to themselves without, but for what rules refuse. */

let preloaded: Preloaded;
beforeAll(async () => {
  preloaded = await Preloaded.create();
});
afterAll(() => preloaded.remove());

describe('the sofa-rpc-node provider', () => {
  const program = 'examples/demo/peers/provider.mjs';

  /** A name for what became of a call. */
  const became = (promise: Promise<unknown>) => promise.catch((error: Error) => `${error.name}: ${error.message}`);

  async function calls(client: Dubbo2Client): Promise<unknown[]> {
    const many = Array.from({ length: 100 }, (_, i) => client.sayHello(`caller ${i}`));
    const { application, path } = (await client.attachments()) as Record<string, unknown>;
    return [
      await became(client.sayHello('world')),
      await became(client.echoMap({ a: 1, b: 'µ' })),
      await became(client.failChecked('boom')),
      await became(client.failRuntime('burst')),
      await became(client.noSuchMethod()),
      { application, path },
      ...(await Promise.all(many)),
    ];
  }

  test('answers and errors are those that it gives without the mesh', async () => {
    const port = await freePort();
    const [governed, plain] = await Promise.all([
      preloaded.peer(workloadRules(port, 'dubbo', 1_000_000), program, ['--name', 'v1', '--port', String(port)]),
      startPeer(program, ['--name', 'v1']),
    ]);
    const clients = [governed, plain].map((it) => dubbo2Client({ host: '127.0.0.1', port: it.port }));
    const [through, without] = [await calls(clients[0]!), await calls(clients[1]!)];
    expect(through).toEqual(without);
    for (const client of clients) client.close();
    await Promise.all([governed.stop(), plain.stop()]);
    expect(governed.process.exitCode).toBe(0);
  });

  test('over the limit clients are refused, and it never sees the call', async () => {
    const port = await freePort();
    // Its third call would fail as asked: it does not come to that.
    const args = ['--name', 'v1', '--port', String(port), '--fail-every', '3'];
    const provider = await preloaded.peer(workloadRules(port, 'dubbo', 2), program, args);
    const sofa = await sofaClient(port);
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await became(sofa.invoke('sayHello', [`${i}`])));
    const refused = expect.stringMatching(/RATE_LIMITED: .*has been rate limited/);
    expect(answers).toEqual(['Hello 0, from v1', 'Hello 1, from v1', refused, refused]);
    await sofa.close();
    await provider.stop();
  });
});

describe('the @tars/rpc server', () => {
  const peer = (name: string) => join(import.meta.dirname, `../peers/${name}.cjs`);

  test('answers as without the mesh, and is spared what is over the limit', async () => {
    const port = await freePort();
    const server = await preloaded.peer(workloadRules(port, 'tars', 3), peer('tars-server'), ['v1', String(port)]);
    const client = spawn(process.execPath, ['--no-warnings', peer('tars-client')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface(client.stdout)[Symbol.asyncIterator]();
    const call = async (func: string, body = '') => {
      const servant = 'Demo.EchoServer.EchoObj';
      client.stdin.write(`${JSON.stringify({ id: 1, servant, port, func, context: { k: 'v' }, body })}\n`);
      return JSON.parse((await lines.next()).value as string) as { text?: string; context?: object; error?: unknown };
    };
    expect(await call('echo', 'bytes')).toMatchObject({ text: 'bytes', context: { 'answered-by': 'v1' } });
    expect(JSON.parse((await call('context')).text!)).toMatchObject({ k: 'v' });
    expect((await call('fail')).error).toMatchObject({ code: 42 });
    expect(JSON.stringify((await call('echo', 'too much')).error)).toContain('RATE_LIMITED');
    client.stdin.end();
    await once(client, 'close');
    await server.stop();
  });
});

test("npm's thrift server: calls of one connection are at work at once, as without the mesh; refusals are exceptions", async () => {
  let atWork = 0;
  let most = 0;
  let connections = 0;
  let release!: () => void;
  const all = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handler = {
    slow: async (ms: unknown) => {
      most = Math.max(most, ++atWork);
      if (atWork === 10) release();
      await all;
      return `slept ${ms}`;
    },
  };
  const options = { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol };
  const server = thrift.createServer(EchoProcessor as never, handler as never, options);
  server.on('connection', () => connections++);
  const port = await freePort();
  const rules = await RulesFolder.create();
  await rules.write('rules.yaml', workloadRules(port, 'thrift', 10));
  const mesh = await startMesh({ rules: rules.path, protocols: ['thrift'], node: { labels: { app: 'demo' } } });
  await mesh.ready();
  const inbound = installInbound({ mesh, warn() {} });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const connection = thrift.createConnection('127.0.0.1', port, options);
  const client = thrift.createClient(EchoClient as never, connection) as unknown as EchoClient;
  const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => client.call('slow', i)));
  expect([answers, most, connections]).toEqual([answers.map((_, i) => `slept ${i}`), 10, 1]);
  await expect(client.call('slow', 10)).rejects.toThrow('RATE_LIMITED');
  expect(most).toBe(10);
  connection.end();
  inbound.undo();
  await mesh.close({ drainMs: 0 });
  server.close();
  await once(server, 'close');
  await rules.remove();
});

describe('an app ends as without the mesh', () => {
  /** A socket of the mesh has no handle. */
  const head = (port: number) => `
    import { connect, createServer } from 'node:net';
    const port = ${port};
    const server = createServer((socket) => { console.log('connection', socket._handle === null); serve(socket); });
    server.listen(port, '127.0.0.1', start);
  `;
  const endings: Record<string, string> = {
    'when its server and its connections are closed': `
      function serve(socket) { socket.end(); server.close(() => console.log('closed')); }
      function start() { connect(port, '127.0.0.1').resume().on('close', () => console.log('client closed')); }`,
    'when all that is left is unref': `
      function serve(socket) { socket.unref(); server.unref(); client.unref(); }
      let client;
      function start() { client = connect(port, '127.0.0.1'); }
      process.on('exit', () => console.log('exit'));`,
    'by an error of its connection handler': `
      function serve() { throw new Error('burst'); }
      function start() { connect(port, '127.0.0.1').on('error', () => {}); }`,
    'by an error of its data handler': `
      function serve(socket) { socket.on('end', () => { throw new Error('burst'); }).resume(); }
      function start() { connect(port, '127.0.0.1').end(); }`,
    'by process.exit in the middle': `
      function serve() { process.exit(7); }
      function start() { connect(port, '127.0.0.1').on('error', () => {}); }`,
  };

  test.each(Object.keys(endings))('%s', async (name) => {
    const program = (port: number) => ['--input-type=module', '--eval', head(port) + endings[name]!];
    const [one, other] = [await freePort(), await freePort()];
    const [plain, governed] = await Promise.all([
      preloaded.run(program(one)),
      preloaded.run(program(other), workloadRules(other, 'dubbo', 5)),
    ]);
    expect(governed.stdout).toContain('connection true');
    const what = ({ code, signal, stdout }: Ended) => [
      code,
      signal,
      ...stdout.replace('true', 'false').split('\n').sort(),
    ];
    expect(what(governed)).toEqual(what(plain));
    expect(/Error: burst/.test(governed.stderr)).toBe(/Error: burst/.test(plain.stderr));
  });
});

test.each(['rr', 'none'])(
  'the workers of a cluster that share a port are governed, scheduled by %s',
  async (policy) => {
    const port = await freePort();
    const app = join(import.meta.dirname, 'register-apps/cluster-app.mjs');
    const { stdout, code } = await preloaded.run([app, String(port), policy], workloadRules(port, 'dubbo', 5));
    const each = { bound: true, port: true };
    const seen = policy === 'rr' ? [each, each] : [each];
    expect([JSON.parse(stdout), code]).toEqual([{ listening: [port, port], seen }, 0]);
  },
);
