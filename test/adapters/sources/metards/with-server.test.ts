import { afterEach, describe, expect, test } from '@jest/globals';
import { readRules } from '../../../../adapters/sources/file/index.js';
import {
  AS_RECORDED,
  type MetaRdsEvent,
  type MetaRdsServer,
  type MetaRdsServerOptions,
  serveMetaRds,
} from '../../../../adapters/sources/metards/server/index.js';
import type { ServiceRule } from '../../../../src/rules/index.js';
import { ManualRuntime } from '../../../../src/testing/index.js';
import { pem } from '../../../support/scripted-metards.js';
import { readGolden } from './recorded.js';
import { Watching } from './watching.js';

const TLS = {
  server: { cert: pem('server.pem'), key: pem('server.key'), ca: pem('root.pem') },
  client: { cert: pem('client.pem'), key: pem('client.key'), ca: pem('root.pem'), serverName: 'aeraki' },
};

const services = (name: string): readonly ServiceRule[] =>
  readRules(new Map([['input.yaml', readGolden(`${name}/input.yaml`)]])).services;

/** Route names by service, as the real server sends them for a recorded case. */
function recorded(name: string): ReadonlyMap<string, readonly string[]> {
  const routes = JSON.parse(readGolden(`${name}/routes.json`)) as {
    name: string;
    virtualHosts: { routes: { name?: string }[] }[];
  }[];
  return new Map(
    routes.map((it) => [it.name, it.virtualHosts.flatMap((host) => host.routes.map((r) => r.name ?? ''))]),
  );
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

describe.each([
  ['without quirks', {}],
  ['with the quirks of the real server', AS_RECORDED],
])('client and server of our own, %s', (_, quirks) => {
  describe.each([
    ['plain text', false],
    ['mutual TLS', true],
  ])('%s', (_, secure) => {
    const runtime = new ManualRuntime();
    const start = async (port = 0): Promise<MetaRdsServer> => {
      const options: MetaRdsServerOptions = { port, runtime, ...quirks, ...(secure && { tls: TLS.server }) };
      const server = await serveMetaRds(options);
      open.push(server);
      return server;
    };
    const watch = (port: number, names?: readonly string[]): Watching => {
      const options = { address: `127.0.0.1:${port}`, nodeId: 'one for all', ...(secure && { tls: TLS.client }) };
      const watching = new Watching({ ...options, ...(names && { names }) }, runtime);
      open.push(watching);
      return watching;
    };
    /** Sockets take real turns of the event loop, during which a little time passes. */
    const until = async (holds: () => boolean) => {
      while (!holds()) await runtime.advanceAsync(2);
    };
    const has = (client: Watching, tables: ReadonlyMap<string, readonly string[]>) =>
      until(() => JSON.stringify([...client.tables].sort()) === JSON.stringify([...tables].sort()));

    test('changes, removals, names, and a second client', async () => {
      const server = await start();
      const events: MetaRdsEvent[] = [];
      server.events.subscribe((event) => events.push(event));
      server.publish(services('match-kinds'));
      const all = watch(server.port);
      await has(all, recorded('match-kinds'));
      server.publish([...services('match-kinds'), ...services('weighted-zero')]);
      await has(all, new Map([...recorded('match-kinds'), ...recorded('weighted-zero')]));

      const [name, routes] = [...recorded('weighted-zero')][0]!;
      const { length } = all.states;
      const one = watch(server.port, [name]);
      await has(one, new Map([[name, routes]]));
      server.publish(services('weighted-zero'));
      await has(all, recorded('weighted-zero'));
      one.close();
      await until(() => events.some(({ type }) => type === 'closed'));
      server.publish([]);
      await has(all, new Map());
      expect(all.states.slice(length).every(({ state }) => state === 'live')).toBe(true);
      expect([all.problems, one.problems]).toEqual([[], []]);
      expect(events.filter(({ type }) => type === 'refused')).toEqual([]);
      const nodes = events.flatMap((event) => (event.type === 'subscribed' ? [event.node] : []));
      expect(new Set(nodes).size).toBe(2);
    });

    test('a server that restarts, with other rules', async () => {
      const first = await start();
      first.publish(services('match-kinds'));
      const client = watch(first.port);
      await has(client, recorded('match-kinds'));
      open.splice(open.indexOf(first), 1);
      await first.close();
      await until(() => client.states.at(-1)?.state === 'stale');
      expect(client.tables).toEqual(recorded('match-kinds'));
      const second = await start(first.port);
      second.publish([...services('weighted-zero'), ...services('match-kinds')]);
      await has(client, new Map([...recorded('match-kinds'), ...recorded('weighted-zero')]));
      expect(client.states.at(-1)?.state).toBe('live');
    });
  });
});
