import { fromBinary, type JsonObject, toJson } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Subject } from 'rxjs';
import { readRules } from '../../../../../adapters/sources/file/index.js';
import { RouteConfigurationSchema } from '../../../../../adapters/sources/metards/generated/envoy/config/route/v3/route_pb.js';
import {
  type MetaRdsEvent,
  type MetaRdsServer,
  type MetaRdsServerOptions,
  serveMetaRds,
} from '../../../../../adapters/sources/metards/server/index.js';
import type { RuleChange, ServiceRule } from '../../../../../src/rules/index.js';
import { ManualRuntime } from '../../../../../src/testing/index.js';
import { readGolden, recordedCases } from '../recorded.js';
import { clientTls, RouteClient, routesIn, serverTls } from './route-client.js';

let server: MetaRdsServer;
let client: RouteClient;
async function start(options: MetaRdsServerOptions = {}): Promise<void> {
  server = await serveMetaRds({ port: 0, ...options });
  client = new RouteClient(server.port);
}
afterEach(async () => {
  client.close();
  await server.close();
});

const configuration = (name: string, routes: string[] = ['one']): JsonObject => ({
  name,
  virtualHosts: [{ name: 'dummy', routes: routes.map((route) => ({ name: route, match: { prefix: '/' } })) }],
});

/** Order is the test's: the server's is random. */
function byName(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, each) =>
    key === 'headers' ? each.sort((a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)) : each,
  );
}

describe('what is served', () => {
  test('the recorded routes of all recorded rules', async () => {
    await start({ shuffle: true });
    const stream = client.open();
    stream.send({ node: { id: 'x' } });
    for (const name of recordedCases) {
      server.publish(readRules(new Map([['input.yaml', readGolden(`${name}/input.yaml`)]])).services);
      const { resources, versionInfo, nonce } = await stream.next();
      const routes = resources.map(({ value }) =>
        toJson(RouteConfigurationSchema, fromBinary(RouteConfigurationSchema, value)),
      );
      routes.sort((a, b) => ((a as { name: string }).name < (b as { name: string }).name ? -1 : 1));
      expect({ name, routes: byName(routes) }).toEqual({ name, routes: JSON.parse(readGolden(`${name}/routes.json`)) });
      stream.send({ versionInfo, responseNonce: nonce });
      await client.settled();
    }
  });

  test('what is no RouteConfiguration is named, and changes nothing', async () => {
    await start();
    server.publishConfigurations([configuration('a')]);
    const wrong = { name: 'b', virtualHost: [] };
    expect(() => server.publishConfigurations([configuration('c'), wrong])).toThrow(
      /^"b" is no RouteConfiguration: .*virtualHost/,
    );
    const stream = client.open();
    stream.send({ node: { id: 'x' } });
    expect(routesIn(await stream.next())).toEqual([{ name: 'a', routes: ['one'] }]);
  });

  test('in random order, if wanted', async () => {
    await start({ shuffle: true });
    const names = Array.from({ length: 20 }, (_, i) => `r${i}`);
    server.publishConfigurations(names.map((name) => configuration(name)));
    const orders = await Promise.all(
      [1, 2].map(async (node) => {
        const stream = client.open();
        stream.send({ node: { id: String(node) } });
        return (await stream.next()).resources.map(({ value }) => fromBinary(RouteConfigurationSchema, value).name);
      }),
    );
    expect(orders[0]).not.toEqual(orders[1]);
    expect(orders[0]!.sort()).toEqual([...names].sort());
    expect(orders[1]!.sort()).toEqual([...names].sort());
  });
});

describe('a source that is followed', () => {
  const rules = (name: string) => readRules(new Map([['input.yaml', readGolden(`${name}/input.yaml`)]])).services;
  const upsert = (rule: ServiceRule): RuleChange => ({ type: 'upsert', kind: 'service', rule });
  const follow = (changes: Subject<readonly RuleChange[]>) =>
    server.follow({ name: 'code', precedence: 400, watch: () => changes });

  test('is served once it is in sync, and whenever it changes', async () => {
    await start();
    const events: MetaRdsEvent[] = [];
    server.events.subscribe((event) => events.push(event));
    const changes = new Subject<readonly RuleChange[]>();
    const followed = follow(changes);
    const [a, b] = [...rules('default-route'), ...rules('match-kinds')] as [ServiceRule, ServiceRule];
    changes.next([upsert(a)]);
    expect(events).toEqual([]);
    changes.next([{ type: 'complete' }]);
    await followed;
    changes.next([upsert(b), { type: 'problem', message: 'doubtful' }]);
    changes.next([{ type: 'remove', kind: 'service', key: a.key }]);
    changes.next([{ type: 'remove', kind: 'cluster', key: 'outbound|1||a' }]);
    changes.error(new Error('it has ended'));
    expect(events.map((it) => (it.type === 'built' ? it.changed : it))).toEqual([
      [a.key],
      { type: 'problem', message: 'doubtful' },
      [b.key],
      [a.key],
      { type: 'problem', message: 'it has ended' },
    ]);
  });

  test('what MetaRDS has no word for is told, and the last good is served on', async () => {
    await start();
    const events: MetaRdsEvent[] = [];
    server.events.subscribe((event) => events.push(event));
    const changes = new Subject<readonly RuleChange[]>();
    const followed = follow(changes);
    const service = rules('match-kinds')[0]!;
    changes.next([upsert(service), { type: 'complete' }]);
    await followed;
    const match = [{ key: 'k', kind: 'suffix' as const, value: 'v' }];
    changes.next([upsert({ ...service, routes: service.routes.map((route) => ({ ...route, match })) })]);
    expect(events.slice(1)).toEqual([{ type: 'problem', message: expect.stringContaining('suffix') }]);
  });

  test('that has nothing to begin with is an error', async () => {
    await start();
    const changes = new Subject<readonly RuleChange[]>();
    const followed = follow(changes);
    changes.error(new Error('no rules'));
    await expect(followed).rejects.toThrow('no rules');
  });

  test('is let go when the server closes', async () => {
    await start();
    const changes = new Subject<readonly RuleChange[]>();
    void follow(changes);
    await server.close();
    expect(changes.observed).toBe(false);
  });
});

describe('where it listens', () => {
  test('beyond this machine only with TLS, or if that is wanted', async () => {
    await start();
    await expect(serveMetaRds({ host: '0.0.0.0', port: 0 })).rejects.toThrow(/0\.0\.0\.0 can be reached from other/);
    await expect(serveMetaRds({ host: 'example.com', port: 0 })).rejects.toThrow(/example\.com can be reached/);
    for (const options of [{ exposed: true }, { tls: serverTls() }]) {
      const exposed = await serveMetaRds({ host: '0.0.0.0', port: 0, ...options });
      expect(exposed.port).toBeGreaterThan(0);
      await exposed.close();
    }
  });

  test('a port that is taken is an error', async () => {
    await start();
    const told = jest.spyOn(console, 'error').mockImplementation(() => {}); // by grpc-js
    await expect(serveMetaRds({ port: server.port })).rejects.toThrow(/^127\.0\.0\.1:\d+: .*EADDRINUSE/);
    told.mockRestore();
  });
});

describe('the end', () => {
  test('streams end in order, though clients leave theirs open', async () => {
    await start({ runtime: new ManualRuntime() }); // whose time stands: nothing is cut off
    server.publishConfigurations([configuration('a')]);
    const stream = client.open();
    stream.send({ node: { id: 'x' } });
    await stream.next();
    await server.close();
    expect((await stream.ended).code).toBe(status.OK);
  });

  test('a client that half-closes, or goes, is forgotten', async () => {
    await start();
    const events: MetaRdsEvent[] = [];
    server.events.subscribe((event) => events.push(event));
    server.publishConfigurations([configuration('a')]);
    const stream = client.open();
    stream.send({ node: { id: 'half' } });
    await stream.next();
    stream.call.end();
    expect((await stream.ended).code).toBe(status.OK);
    const other = new RouteClient(server.port);
    const cut = other.open();
    cut.send({ node: { id: 'cut' } });
    await cut.next();
    cut.close();
    while (!events.some((it) => it.type === 'closed' && it.node === 'cut')) await client.settled();
    server.publishConfigurations([configuration('b')]);
    expect(events.at(-1)).toMatchObject({ type: 'built', version: '2', streams: 0 });
    expect(events.filter(({ type }) => type === 'closed')).toHaveLength(2);
  });
});

describe('hostile clients', () => {
  test('bytes that are no request end their own stream', async () => {
    await start();
    server.publishConfigurations([configuration('a')]);
    const good = client.open();
    good.send({ node: { id: 'good' } });
    await good.next();
    const bad = client.openRaw();
    bad.call.write(Buffer.from('0affffffff0f', 'hex'));
    expect((await bad.ended).code).not.toBe(status.OK);
    const other = client.open();
    other.send({ node: { id: 'other' } });
    expect(routesIn(await other.next())).toHaveLength(1);
  });

  test('one that refuses everything and reads nothing is not read, and fills no memory', async () => {
    await start({ resendOnNack: true });
    let sent = 0;
    server.events.subscribe(({ type }) => {
      if (type === 'sent') sent++;
    });
    const bytes = 100_000;
    server.publishConfigurations([configuration('a', ['x'.repeat(bytes)])]);
    const stream = client.open();
    stream.call.pause();
    stream.send({ node: { id: 'x' } });
    const nacks = 300;
    for (let nonce = 1; nonce <= nacks; nonce++) {
      stream.send({ responseNonce: String(nonce), errorDetail: { message: 'no' } });
    }
    for (let i = 0; i < 20; i++) await client.settled();
    expect(sent).toBeGreaterThan(0);
    expect(sent * bytes).toBeLessThan(5_000_000);
    stream.call.resume();
    while ((await stream.next()).nonce !== String(nacks + 1));
  });
});

test('mutual TLS, with a client that is let in', async () => {
  await start({ tls: serverTls() });
  server.publishConfigurations([configuration('a')]);
  const secure = new RouteClient(server.port, clientTls('client'));
  const stream = secure.open();
  stream.send({ node: { id: 'x' } });
  expect(routesIn(await stream.next())).toEqual([{ name: 'a', routes: ['one'] }]);
  stream.close();
});
