import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startMesh } from '../../adapters/node/index.js';
import { type Peer, startPeer } from '../../examples/demo/peers/start-peer.js';
import { RulesFolder } from '../../examples/demo/rules.js';
import type { Mesh } from '../../src/index.js';
import { freePort } from '../support/free-ports.mjs';

/** trpc-go and trpc-java on both sides of the mesh; those that `trpc/kit.mjs` has built. */
const LANGUAGES = (process.env.TRPC_PEERS ?? 'go,java').split(',');
const CLIENTS = LANGUAGES.flatMap((it) => (it === 'go' ? ['go', 'go multiplexed'] : [it]));
const PAIRS = CLIENTS.flatMap((client) => LANGUAGES.map((server) => [client, server] as const));

const FOLDER = 'test/interop/trpc';
const JAVA = ['-Xshare:auto', '-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dfile.encoding=UTF-8'];
const JAVA_PEER = ['-cp', `${FOLDER}/target/java/trpc-peer.jar:${FOLDER}/target/java/lib/*`, 'meltemi.peer.Peer'];

interface Answer {
  readonly texts: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  readonly error?: { readonly code: number; readonly biz?: number; readonly type?: number; readonly text: string };
}

interface Ask {
  readonly method?: string;
  readonly texts: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly oneway?: boolean;
  /** Each text so often. */
  readonly repeat?: number;
}

interface Client {
  readonly peer: Peer;
  ask(ask: Ask): Promise<Answer>;
}

const peers: Peer[] = [];

async function start(language: string, role: string, port: number, ...flags: string[]): Promise<Peer> {
  const args = [role, '--port', String(port), ...flags];
  const [command, file, ...rest] =
    language === 'java'
      ? ['java', JAVA[0]!, ...JAVA.slice(1), ...JAVA_PEER, ...args]
      : [`${FOLDER}/target/go-peer`, ...args];
  const peer = await startPeer(file!, rest, { command: command!, readyWithinMs: 30_000 });
  peers.push(peer);
  return peer;
}

async function clientOf(kind: string, port: number): Promise<Client> {
  const [language, mode] = kind.split(' ');
  const peer = await start(language!, 'client', port, ...(mode === undefined ? [] : ['--multiplexed=true']));
  const waiting = new Map<number, (answer: Answer) => void>();
  createInterface(peer.process.stdout!).on('line', (line) => {
    if (!line.startsWith('{"id"')) return;
    const { id, ...answer } = JSON.parse(line) as Answer & { id: number };
    waiting.get(id)?.(answer);
  });
  let next = 1;
  return {
    peer,
    ask: ({ method = 'Say', texts, meta = { welcome: 'yes' }, timeoutMs, oneway, repeat }) =>
      new Promise((resolve) => {
        const id = next++;
        waiting.set(id, resolve);
        const pairs = Object.entries(meta).flat();
        const line =
          language === 'java'
            ? [id, texts[0], timeoutMs ?? '', oneway ? 'y' : '', ...pairs].join('\t')
            : JSON.stringify({ id, method, texts, meta, timeoutMs, oneway, repeat });
        peer.process.stdin!.write(`${line}\n`);
      }),
  };
}

const hostOf = (server: string) => `${server}.example`;

function rulesFor(server: string, ports: readonly number[]): string {
  const host = hostOf(server);
  return `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: ${server}, namespace: test }
spec:
  hosts: [${host}]
  ports: [{ number: 8000, name: tcp-metaprotocol-trpc, protocol: TCP }]
  resolution: STATIC
  endpoints:
${ports.map((port) => `    - { address: 127.0.0.1, ports: { tcp-metaprotocol-trpc: ${port} } }`).join('\n')}
---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: ${server}, namespace: test }
spec:
  hosts: [${host}]
  routes:
    - name: alice
      match: { attributes: { func: { prefix: /trpc.meltemi.peer.Echo/ }, x-user: { exact: alice } } }
      route: [{ destination: { host: ${host} } }]
      requestMutation: [{ key: x-user, value: bob }, { key: added, value: 'yes' }]
      responseMutation: [{ key: served-by, value: mesh }]
    - name: welcome
      match: { attributes: { func: { prefix: /trpc.meltemi.peer.Echo/ }, welcome: { exact: 'yes' } } }
      route: [{ destination: { host: ${host} } }]
---
`;
}

let mesh: Mesh;
let rules: RulesFolder;
const servers = new Map<string, number>();
const ports = new Map<string, number>();
const clients = new Map<string, Client>();

beforeAll(async () => {
  rules = await RulesFolder.create();
  for (const language of LANGUAGES) servers.set(language, await freePort());
  await Promise.all(LANGUAGES.map((it) => start(it, 'server', servers.get(it)!, '--name', it)));
  await rules.write('rules.yaml', LANGUAGES.map((it) => rulesFor(it, [servers.get(it)!])).join(''));
  mesh = await startMesh({ rules: rules.path, protocols: ['trpc'] });
  await mesh.ready();
  for (const server of LANGUAGES) {
    ports.set(server, (await mesh.listen({ port: 0, service: `${hostOf(server)}:8000` })).port);
  }
  await Promise.all(
    PAIRS.map(async ([kind, server]) => {
      const client = await clientOf(kind, ports.get(server)!);
      clients.set(`${kind} ${server}`, client);
      await client.ask({ texts: ['warm'], timeoutMs: 20_000 });
    }),
  );
}, 60_000);

afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.kill('SIGKILL')));
  await mesh.close({ drainMs: 0 });
  await rules.remove();
});

describe.each(PAIRS)('trpc-%s calls trpc-%s through the mesh', (kind, server) => {
  const ask = (it: Ask) => clients.get(`${kind} ${server}`)!.ask(it);

  test('answers, many at once, each its own', async () => {
    const texts = Array.from({ length: 50 }, (_, i) => `${i} мир ${'x'.repeat(i * 100)}`);
    const answers = await Promise.all(texts.map((text) => ask({ texts: [text] })));
    expect(answers.map((it) => it.texts[0])).toEqual(texts.map((text) => `${server} ${text}`));
  });

  test('trans_info chooses the route; both directions are mutated', async () => {
    const answer = await ask({ texts: ['meta'], meta: { 'x-user': 'alice' } });
    expect(answer.texts[0]).toBe(`${server} meta bob yes`);
    expect(answer.meta).toMatchObject({ 'served-by': 'mesh' });
  });

  test('errors of handler and framework arrive as they do without a mesh', async () => {
    const errors = [];
    for (const text of ['business:empty purse', 'framework:overloaded'])
      errors.push((await ask({ texts: [text] })).error);
    expect(errors).toEqual(
      kind === 'java'
        ? [
            { code: 0, biz: 10086, text: 'empty purse' },
            { code: 22, biz: 0, text: 'overloaded' },
          ]
        : [
            { code: 10086, type: 2, text: 'empty purse' },
            { code: 22, type: 3, text: 'overloaded' },
          ],
    );
    expect((await ask({ texts: ['plain:oops'] })).error).toMatchObject({ text: 'oops' });
  });

  test('what the mesh refuses is raised with code and text', async () => {
    const { error } = await ask({ texts: ['x'], meta: { welcome: 'no' } });
    expect(error!.text).toMatch(/^meltemi: NO_ROUTE: none of the 2 routes of/);
    expect(error!.code).toBe(11);
    if (kind === 'java') expect(error!.biz).toBe(0);
    else expect(error!.type).toBe(3);
  });

  test('a one-way call is made, and those after it', async () => {
    expect((await ask({ texts: ['one'], oneway: true })).error).toBeUndefined();
    expect((await ask({ texts: ['two'] })).texts[0]).toBe(`${server} two`);
  });

  test('the deadline is on the wire: the call is over at its time, here and for the client', async () => {
    const { error } = await ask({ texts: ['sleep:1000'], timeoutMs: 300 });
    // Ours, or the client's own (101, 141 on a multiplexed connection), whichever is first.
    expect([21, 101, 141]).toContain(error!.code);
    expect((await ask({ texts: ['after'] })).texts[0]).toBe(`${server} after`);
  });
});

const withGo = LANGUAGES.includes('go') ? describe : describe.skip;

(LANGUAGES.length === 2 ? test : test.skip)(
  'without a mesh a multiplexed trpc-go client never hears of trpc-java',
  async () => {
    const direct = await clientOf('go multiplexed', servers.get('java')!);
    expect((await direct.ask({ texts: ['hi'], timeoutMs: 700 })).error).toMatchObject({ code: 141 });
  },
);

withGo('streams between trpc-go and trpc-go', () => {
  const ask = (it: Ask) => clients.get('go go')!.ask(it);

  test('in each direction, and in both', async () => {
    expect(await ask({ method: 'Collect', texts: ['abc', 'de'] })).toEqual({ texts: ['go got 5'] });
    const list = await ask({ method: 'List', texts: ['abc'] });
    expect(list.texts).toEqual(['go part 0 abc', 'go part 1 abc', 'go part 2 abc']);
    const chat = await ask({ method: 'Chat', texts: ['a', 'b', 'c'] });
    expect(chat).toEqual({ texts: ['go a', 'go b', 'go c'] });
  });

  test('past the window, since feedback passes: 3 MB there, 300 KB back', async () => {
    const sent = await ask({ method: 'Collect', texts: ['x'.repeat(3000)], repeat: 1000 });
    expect(sent).toEqual({ texts: ['go got 3000000'] });
    const got = await ask({ method: 'List', texts: ['y'.repeat(550)] });
    expect(got.texts).toHaveLength(550);
    expect(got.texts.join('').length).toBeGreaterThan(300_000);
  });

  test('forty at once: each has its own messages', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `stream ${i}`);
    const answers = await Promise.all(
      names.map((name) => ask({ method: 'Chat', texts: Array.from({ length: 10 }, (_, n) => `${name} ${n}`) })),
    );
    for (const [i, name] of names.entries()) {
      expect(answers[i]).toEqual({ texts: Array.from({ length: 10 }, (_, n) => `go ${name} ${n}`) });
    }
    expect(mesh.status.activeCalls).toBe(0);
  });

  test('a handler that fails, and a stream that is refused, are errors at the client', async () => {
    const failed = await ask({ method: 'Chat', texts: ['a', 'business:broken'] });
    expect(failed.texts).toEqual(['go a']);
    expect(failed.error!.text).toContain('code:10086, msg:broken');
    const refused = await ask({ method: 'Chat', texts: ['a'], meta: { welcome: 'no' } });
    expect(refused.error!.text).toContain('meltemi: NO_ROUTE');
    expect(refused.texts).toEqual([]);
  });

  test('the server is killed: the client is told at once. The client is killed: the server is', async () => {
    const port = await freePort();
    const doomed = await start('go', 'server', port, '--name', 'doomed');
    const handlerEnded = new Promise<void>((resolve) => {
      createInterface(doomed.process.stdout!).on('line', (line) => {
        if (line.startsWith('{"ended":')) resolve(); // its library logs there too
      });
    });
    await rules.write('doomed.yaml', rulesFor('doomed', [port]));
    await new Promise((resolve) => {
      const changes = mesh.changes.subscribe(() => {
        changes.unsubscribe();
        resolve(undefined);
      });
    });
    const listener = await mesh.listen({ port: 0, service: 'doomed.example:8000' });
    const leaving = await clientOf('go', listener.port);
    void leaving.ask({ method: 'Chat', texts: ['a', 'sleep:700', 'b'] });
    const staying = await clientOf('go', listener.port);
    const lost = staying.ask({ method: 'Chat', texts: ['a', 'sleep:20000'], timeoutMs: 30_000 });
    while (mesh.status.activeCalls < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await leaving.peer.kill('SIGKILL');
    await handlerEnded;
    await doomed.kill('SIGKILL');
    const answer = await lost;
    expect(answer.texts).toEqual(['doomed a']);
    expect(answer.error!.text).toContain('meltemi: CONNECTION_LOST');
    expect(mesh.status.activeCalls).toBe(0);
  });
});
