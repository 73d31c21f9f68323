import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Peer, startPeer } from '../../examples/demo/peers/start-peer.js';
import { freePort } from '../support/free-ports.mjs';
import { type PackageFolder, packageFolder } from '../support/package-folder.js';
import { CLIENTS, type Client } from './clients/matrix.js';
import { preloaded, RULES_FOR_OTHERS, relayed, serviceEntry, versions } from './clients/preload.js';
import { type Launch, portsOf, type Run, runProgram, type Step } from './clients/run-program.js';

/**
 * Unmodified clients against real servers, those whose server `clients/kit.mjs` could bring: what an application sees with
 * Meltemi before it is what it sees without, down to codes of errors and to how the process ends.
 */
const SERVERS = (process.env.CLIENT_SERVERS ?? '').split(',');

const FOLDER = 'test/interop/clients/servers';

/** What each governed service has that its rule sends to v2. */
const PINNED = 'whoami|context';
/** What differs where calls are routed and refused one by one. */
const GOVERNED_STEPS = ['split', 'pinned', 'connection refused'];

const byServer = new Map<string, Client[]>();
for (const client of CLIENTS.filter(({ server }) => SERVERS.includes(server))) {
  byServer.set(client.server, [...(byServer.get(client.server) ?? []), client]);
}

let folder: PackageFolder;
/** All are started at once: the slow ones are ready when it is their turn. */
const starting = new Map<string, Promise<Peer>>();

beforeAll(async () => {
  for (const file of byServer.keys()) {
    const python = file.endsWith('.py') ? { command: '/usr/bin/python3' } : {};
    const server = startPeer(`${FOLDER}/${file}`, [], { ...python, readyWithinMs: 120_000 });
    server.catch(() => {}); // told where it is needed
    starting.set(file, server);
  }
  folder = await packageFolder();
});

afterAll(async () => {
  const servers = await Promise.allSettled(starting.values());
  await Promise.all(servers.map((it) => (it.status === 'fulfilled' ? it.value.stop() : undefined)));
  await folder?.remove();
});

describe.each([...byServer])('%s', (file, clients) => {
  let server: Peer;
  let refusing: number;

  beforeAll(async () => {
    server = await starting.get(file)!;
    refusing = await freePort();
  }, 120_000);

  describe.each(clients)(
    '$program',
    ({ program, port: portName = 'port', codec, operation = 'method', ciphertext }) => {
      const own = () => new Map(portsOf(server)).get(portName)!;
      const ports = () => [...new Set(portsOf(server).map(([, port]) => port))];
      const run = (host: string, launch?: Launch) =>
        runProgram(program, { host, port: own(), refusing }, server, launch);

      const launches = {
        plain: () => run('127.0.0.1'),
        others: async () => run('127.0.0.1', await preloaded(folder, RULES_FOR_OTHERS)),
        endpoint: async () => {
          const entries = ports().map((port) => serviceEntry('unread.example', port, 'unread', [port]));
          return run('127.0.0.1', await preloaded(folder, entries));
        },
        relayed: async () => {
          const { rules, config } = relayed('relayed.example', [...ports(), refusing]);
          return run('relayed.example', await preloaded(folder, rules, config));
        },
        governed: async () => {
          const host = 'governed.example';
          const endpoints = server.ready.endpoints as number[];
          const rules = [
            ...versions(host, own(), codec!, endpoints, { [operation]: PINNED }),
            serviceEntry(host, refusing, codec!, [refusing]),
          ];
          return run(host, await preloaded(folder, rules, { protocols: [codec!] }));
        },
      };
      /** What is not said of a client is not tried with it. */
      const tried: (keyof typeof launches)[] = ['plain', 'others'];
      if (ciphertext === undefined) tried.push('relayed');
      tried.push(codec === undefined ? 'endpoint' : 'governed');

      let runs: Partial<Record<keyof typeof launches, Promise<Run>>>;
      let plain: Run;

      beforeAll(async () => {
        // Beside each other, as they wait more than they work.
        runs = Object.fromEntries(tried.map((name) => [name, launches[name]()]));
        for (const it of Object.values(runs)) it.catch(() => {}); // told where it is asked for
        plain = await runs.plain!;
      }, 60_000);

      test('plain Node: all goes as it should', () => {
        expect(plain.steps.filter(({ unexpected }) => unexpected)).toEqual([]);
        expect(plain.steps.length).toBeGreaterThan(4);
        expect(plain.status).toBe(0);
      });

      test('with rules for others', async () => {
        expectSame((await runs.others)!, plain, [unread('unread.example:6379')]);
      });

      if (tried.includes('endpoint')) {
        test('as the endpoint of a service that no codec reads', async () => {
          const warnings = ports().map(() => unread('unread.example:'));
          expectSame((await runs.endpoint)!, plain, warnings);
        });
      }

      if (tried.includes('relayed')) {
        test('bound in process, by a name that nobody else knows, and passed on', async () => {
          expectSame((await runs.relayed)!, plain);
        });
      }

      if (tried.includes('governed')) {
        test('governed: each call is routed by rules', async () => {
          const governed = (await runs.governed)!;
          expectSame(ungoverned(governed), ungoverned(plain));
          expect(new Set(versionsOf(governed, 'split'))).toEqual(new Set(['v1', 'v2']));
          expect(new Set(versionsOf(governed, 'pinned'))).toEqual(new Set(['v2']));
          const refused = governed.steps.find(({ step }) => step === 'connection refused');
          expect(refused?.error).toBeDefined();
        });
      }
    },
  );
});

/** Of a process that nothing keeps alive which its application does not know of. */
const AT_ONCE_MS = 1500;

/** @param warnings - of the preload, beside the line that says what it governs */
function expectSame({ lingeredMs, preload, ...seen }: Run, plain: Run, warnings: readonly string[] = []): void {
  const { lingeredMs: plainMs, preload: _, ...plainly } = plain;
  expect(seen).toEqual(plainly);
  expect(preload).toEqual([expect.stringMatching(/ governs /), ...warnings]);
  expect(lingeredMs).toBeLessThan(plainMs + AT_ONCE_MS);
}

/** What the preload says of a service whose protocol it cannot read. */
const unread = (service: string) => expect.stringContaining(`warn ${service}`) as unknown as string;

/** What must be as without rules: all but who answered. */
function ungoverned({ steps, ...rest }: Run): Run {
  const same = steps.filter(({ step }) => !GOVERNED_STEPS.includes(step));
  return { ...rest, steps: JSON.parse(JSON.stringify(same).replace(/from v\d/g, 'from some')) as Step[] };
}

function versionsOf({ steps }: Run, name: string): string[] {
  const { result } = steps.find(({ step }) => step === name)!;
  return (result as string[]).map((text) => /from (\w+)/.exec(text)![1]!);
}
