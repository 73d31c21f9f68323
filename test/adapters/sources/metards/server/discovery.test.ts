import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Discovery, type RouteStream } from '../../../../../adapters/sources/metards/server/discovery.js';
import type { MetaRdsEvent } from '../../../../../adapters/sources/metards/server/events.js';
import { AS_RECORDED, type MetaRdsQuirks, NO_QUIRKS } from '../../../../../adapters/sources/metards/server/quirks.js';
import type { Resource } from '../../../../../adapters/sources/metards/server/snapshot.js';
import type { RouteResponse } from '../../../../../adapters/sources/metards/server/subscription.js';
import { ManualRuntime } from '../../../../../src/testing/index.js';

const resource = (name: string, content = 0): Resource => ({ name, bytes: Uint8Array.of(content) });

class Client {
  readonly responses: RouteResponse[] = [];
  readonly stream: RouteStream;
  #answered = 0;

  constructor(
    discovery: Discovery,
    private readonly node: string,
    public names: readonly string[] = [],
  ) {
    this.stream = discovery.open((response) => this.responses.push(response));
    this.ask();
  }

  get last(): RouteResponse | undefined {
    return this.responses.at(-1);
  }

  ask(refusal?: string): void {
    const { version = '', nonce = '' } = this.last ?? {};
    this.#answered = this.responses.length;
    const held = refusal === undefined ? version : (this.responses.at(-2)?.version ?? '');
    this.stream.request({ node: this.node, typeUrl: '', names: this.names, version: held, nonce, refusal });
  }

  /** Accepts what it has not answered. */
  accept(): void {
    while (this.#answered < this.responses.length) this.ask();
  }
}

function setUp(quirks: Partial<MetaRdsQuirks> = {}) {
  const runtime = new ManualRuntime();
  const events: MetaRdsEvent[] = [];
  const discovery = new Discovery(runtime, { ...NO_QUIRKS, ...quirks }, (event) => events.push(event));
  return { runtime, discovery, events };
}

describe('without quirks', () => {
  test('a stream is answered at once, and nobody else', () => {
    const { discovery } = setUp();
    discovery.publish([resource('a'), resource('b')]);
    const first = new Client(discovery, 'x');
    const second = new Client(discovery, 'y', ['b', 'c', 'b']);
    expect(first.responses).toEqual([{ version: '1', nonce: '1', resources: [resource('a'), resource('b')] }]);
    expect(second.responses.map(({ resources }) => resources)).toEqual([[resource('b')]]);
  });

  test('before there are rules it is silent, with rules that have no service it says so', () => {
    const { discovery, events } = setUp();
    const client = new Client(discovery, 'x');
    expect(client.responses).toEqual([]);
    discovery.publish([]);
    expect(client.responses).toEqual([{ version: '1', nonce: '1', resources: [] }]);
    expect(events.at(-1)).toEqual({ type: 'built', version: '1', names: [], changed: [], streams: 1 });
  });

  test('equal content, in another order, is no new version', () => {
    const { discovery, events } = setUp();
    discovery.publish([resource('a'), resource('b')]);
    discovery.publish([resource('b'), resource('a')]);
    discovery.publish([resource('b'), resource('a', 1)]);
    discovery.publish([resource('c'), resource('a', 1)]);
    expect(events.map((it) => it.type === 'built' && [it.version, it.changed])).toEqual([
      ['1', ['a', 'b']],
      ['2', ['a']],
      ['3', ['c', 'b']],
    ]);
  });

  test('a refused version is not sent again, the next one is', () => {
    const { discovery, events } = setUp();
    discovery.publish([resource('a')]);
    const client = new Client(discovery, 'x');
    client.accept();
    discovery.publish([resource('a', 1)]);
    client.ask('not this one');
    expect(client.responses).toHaveLength(2);
    expect(events).toContainEqual({ type: 'refused', node: 'x', version: '2', reason: 'not this one' });
    discovery.publish([resource('a', 2)]);
    expect(client.last?.version).toBe('3');
  });

  test('streams of one node do not touch each other', () => {
    const { discovery, events } = setUp();
    discovery.publish([resource('a')]);
    const [one, two] = [new Client(discovery, 'x'), new Client(discovery, 'x')];
    one.accept();
    two.accept();
    one.stream.close();
    one.stream.close();
    discovery.publish([resource('a', 1)]);
    expect([one.responses.length, two.responses.length]).toEqual([1, 2]);
    expect(events.filter(({ type }) => type === 'closed')).toHaveLength(1);
  });

  test("a version of a server's earlier life is not taken for ours", () => {
    const { discovery } = setUp();
    discovery.publish([resource('a')]);
    const received: RouteResponse[] = [];
    const stream = discovery.open((response) => received.push(response));
    stream.request({ node: 'x', typeUrl: '', names: [], version: '1', nonce: '' });
    expect(received).toHaveLength(1);
  });

  test('who subscribes, accepts and leaves is told', () => {
    const { discovery, events } = setUp();
    discovery.publish([resource('a')]);
    const client = new Client(discovery, 'x', ['a']);
    client.accept();
    client.names = ['a', 'b'];
    client.ask();
    client.stream.close();
    expect(events).toEqual([
      { type: 'built', version: '1', names: ['a'], changed: ['a'], streams: 0 },
      { type: 'subscribed', node: 'x', names: ['a'] },
      { type: 'sent', node: 'x', version: '1', nonce: '1', names: ['a'] },
      { type: 'accepted', node: 'x', version: '1' },
      { type: 'subscribed', node: 'x', names: ['a', 'b'] },
      { type: 'closed', node: 'x' },
    ]);
  });
});

test('debounce: one version once changes have stopped, or have come for ten times as long', () => {
  const { runtime, discovery } = setUp({ debounceMs: 100 });
  const client = new Client(discovery, 'x');
  const builtAt: number[] = [];
  const start = runtime.now();
  for (let i = 0; i < 30; i++) {
    discovery.publish([resource('a', i)]);
    for (let ms = 0; ms < 50; ms++) {
      runtime.advance(1);
      if (client.responses.length > builtAt.length) builtAt.push(runtime.now() - start);
      client.accept();
    }
  }
  runtime.advance(100);
  expect(builtAt).toEqual([1000]);
  expect(client.responses).toHaveLength(2);
  expect(client.last?.resources).toEqual([resource('a', 29)]);
  expect(runtime.pending).toBe(0);
});

test('versions in seconds: the later of two within a second is lost on who accepted the earlier', () => {
  const { runtime, discovery } = setUp({ versions: 'unix-seconds' });
  discovery.publish([resource('a')]);
  const client = new Client(discovery, 'x');
  client.accept();
  runtime.advance(500);
  discovery.publish([resource('a', 1)]);
  expect(client.responses).toHaveLength(1);
  runtime.advance(500);
  discovery.publish([resource('a', 2)]);
  expect(client.last).toEqual({
    version: String(Math.floor(runtime.wallNow() / 1000)),
    nonce: '2',
    resources: [resource('a', 2)],
  });
});

describe('whatever happens, a client that answers ends up with the last version', () => {
  const op = fc.oneof(
    fc.record({ type: fc.constant('publish' as const), content: fc.array(fc.nat(3), { maxLength: 4 }) }),
    fc.record({ type: fc.constant('open' as const), node: fc.nat(2), names: fc.subarray(['r0', 'r1', 'r2', 'gone']) }),
    fc.record({ type: fc.constantFrom('accept' as const, 'refuse' as const, 'close' as const), client: fc.nat(5) }),
    fc.record({ type: fc.constant('rename' as const), client: fc.nat(5), names: fc.subarray(['r0', 'r1', 'r2']) }),
    fc.record({ type: fc.constant('wait' as const), ms: fc.nat(1500) }),
  );

  test.each([
    ['without quirks', NO_QUIRKS],
    // Seconds may collide, and a cleared node must ask: those two are unkind to such a client.
    ['with quirks', { ...AS_RECORDED, versions: 'counted' as const, clearNodeOnClose: false }],
  ])('%s', (_, quirks) => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 40 }), (ops) => {
        const { runtime, discovery, events } = setUp(quirks);
        let clients: Client[] = [];
        let published: Resource[] = [];
        for (const it of ops) {
          const client = 'client' in it ? clients[it.client % clients.length] : undefined;
          if (it.type === 'publish') {
            published = it.content.map((content, i) => resource(`r${i}`, content));
            discovery.publish(published);
          } else if (it.type === 'open') clients.push(new Client(discovery, `node-${it.node}`, it.names));
          else if (it.type === 'wait') runtime.advance(it.ms);
          else if (client === undefined) continue;
          else if (it.type === 'accept') client.accept();
          else if (it.type === 'refuse') client.ask('no');
          else if (it.type === 'rename') {
            client.names = it.names;
            client.accept();
            client.ask();
          } else {
            client.stream.close();
            clients = clients.filter((each) => each !== client);
          }
        }
        discovery.publish(published);
        for (let i = 0; i < 4; i++) {
          for (const client of clients) client.accept();
          runtime.advance(10_000);
        }
        const version = events.findLast((it) => it.type === 'built')?.version;
        for (const { last } of clients) expect(last?.version).toBe(version);
        expect(runtime.pending).toBe(0);
      }),
    );
  });
});
