import { describe, expect, test } from '@jest/globals';
import type { DiscoveryRequest } from '../../../../adapters/sources/metards/generated/envoy/service/discovery/v3/discovery_pb.js';
import type { MetaRdsOptions } from '../../../../adapters/sources/metards/index.js';
import { pem, ScriptedMetaRds, type ScriptedStream, table } from '../../../support/scripted-metards.js';
import { readGolden } from './recorded.js';
import { Watching } from './watching.js';

interface Recorded {
  readonly name: string;
  readonly events: readonly RecordedEvent[];
}

interface RecordedEvent {
  readonly direction: 'client->server' | 'server->client' | 'control' | 'note';
  readonly stream?: string;
  readonly summary: string;
  readonly message?: {
    readonly resourceNames?: readonly string[];
    readonly versionInfo: string;
    readonly nonce?: string;
    readonly resources?: readonly { readonly name: string; readonly routes: readonly string[] }[];
  };
}

const { scenarios } = JSON.parse(readGolden('wire-behaviour.json')) as { scenarios: Recorded[] };
/** Those about StreamRoutes. The connections of `tls` are tried in `tls.test.ts`. */
const replayed = scenarios.filter(({ name }) => name !== 'tls');

/** How many answers the NACK storm is worth here; recorded were 4,013. */
const STORM = 300;

/**
 * The recorded server's side of each scenario, played to this client over real sockets. Where the recorded client did
 * what this one never does (refuse, be silent, send another nonce), this one acknowledges at once, and the server goes on
 * as recorded.
 */
describe.each([
  ['plain text', false],
  ['mutual TLS', true],
])('over %s', (_, secure) => {
  test.each(replayed)('$name', async ({ events }) => {
    const server = await ScriptedMetaRds.start({ secure });
    const options: MetaRdsOptions = { address: server.address, names: 'used', ...(secure && { tls: TLS }) };
    const clients = new Map<string, Client>();
    try {
      for (const event of events) {
        const stream = event.stream ?? '';
        if (stream === 'ads' || stream === 'fetch' || stream === 'd1') continue;
        const client = clients.get(stream);
        if (client !== undefined) await client.play(event);
        else if (event.direction === 'client->server' && event.message !== undefined) {
          clients.set(stream, await Client.begin(server, options, event.message.resourceNames ?? []));
        }
      }
      const ids = [...clients.values()].map(({ nodeId }) => nodeId);
      expect(new Set(ids).size).toBe(clients.size);
      expect(clients.size).toBeGreaterThan(0);
    } finally {
      for (const client of clients.values()) client.watching.close();
      server.close();
    }
  });
});

const TLS = {
  ...{ ca: pem('root.pem'), cert: pem('client.pem'), key: pem('client.key') },
  serverName: 'aeraki.istio-system.svc',
};

/** One of our sources, on its stream. */
class Client {
  #version = '';
  #nonce = '';

  private constructor(
    readonly watching: Watching,
    readonly stream: ScriptedStream,
    readonly nodeId: string,
    private names: readonly string[],
  ) {}

  static async begin(server: ScriptedMetaRds, options: MetaRdsOptions, names: readonly string[]): Promise<Client> {
    const watching = new Watching({ ...options, ...(names.length === 0 && { names: 'all' }) }, undefined, names);
    const stream = await server.streams.next();
    const request = await stream.requests.next();
    expect(request.node?.id).toMatch(/./);
    const client = new Client(watching, stream, request.node!.id, names);
    client.#expect(request);
    return client;
  }

  async play({ direction, summary, message }: RecordedEvent): Promise<void> {
    if (summary.startsWith('close')) {
      this.watching.close();
      await this.stream.closed;
    } else if (summary.startsWith('NACK after every response')) {
      await this.#storm();
    } else if (direction === 'server->client' && message?.resources !== undefined) {
      await this.#answer(message.versionInfo, message.nonce!, message.resources);
    } else if (direction === 'client->server' && message?.resourceNames !== undefined) {
      await this.#ask(message.resourceNames);
    }
    // Nothing was asked or said but what was expected.
    expect(this.stream.requests.left).toEqual([]);
  }

  async #answer(
    version: string,
    nonce: string,
    resources: readonly { readonly name: string; readonly routes: readonly string[] }[],
  ): Promise<void> {
    const before = new Map(this.watching.tables);
    this.stream.answer(
      version,
      resources.map(({ name, routes }) => table(name, ...routes)),
      nonce,
    );
    this.#version = version;
    this.#nonce = nonce;
    this.#expect(await this.stream.requests.next());
    const wanted = resources.filter(({ name }) => this.names.length === 0 || this.names.includes(name));
    const after = new Map(wanted.map(({ name, routes }) => [name, routes]));
    expect(this.watching.tables).toEqual(after);
    const batch = await this.watching.batches.next();
    const changed = batch.flatMap((each) => (each.type === 'upsert' && 'key' in each.rule ? [each.rule.key] : []));
    expect(changed).toEqual(
      wanted.flatMap((it) => (String(before.get(it.name)) === String(it.routes) ? [] : [it.name])),
    );
    expect(this.watching.states.at(-1)).toEqual({ type: 'state', state: 'live', version });
  }

  /** Other names; never none, which to the server would be all. */
  async #ask(names: readonly string[]): Promise<void> {
    if (names.length === 0 || String(names) === String(this.names)) return;
    this.names = names;
    this.watching.use(...names);
    this.#expect(await this.stream.requests.next());
  }

  async #storm(): Promise<void> {
    const batches = this.watching.batches.left.length;
    const same = [...this.watching.tables].map(([name, routes]) => table(name, ...routes));
    for (let i = 1; i <= STORM; i++) this.stream.answer(this.#version, same, `storm-${i}`);
    for (let i = 1; i <= STORM; i++) {
      this.#nonce = `storm-${i}`;
      this.#expect(await this.stream.requests.next());
    }
    for (let i = 0; i < batches + STORM; i++) {
      const batch = await this.watching.batches.next();
      expect(batch.map(({ type }) => type)).toEqual(['state']);
    }
  }

  #expect(request: DiscoveryRequest): void {
    const { resourceNames, versionInfo, responseNonce, errorDetail } = request;
    expect({ resourceNames, versionInfo, responseNonce, errorDetail }).toEqual({
      resourceNames: this.names,
      versionInfo: this.#version,
      responseNonce: this.#nonce,
      errorDetail: undefined,
    });
  }
}
