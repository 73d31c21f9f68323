/** Changes of many services in one batch: what calls find while it is taken in slices. */
import { expect, test } from '@jest/globals';
import { firstValueFrom, Observable } from 'rxjs';
import { type RuleChange, serviceKey } from '../../src/rules/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { route } from '../routing/rules.js';
import { cluster, endpoint, service } from '../rules/rules.js';
import { close, sizes, turn } from './scene.js';
import { message, payloadOf, type World, world } from './support.js';

const PORT = 9000;
const COUNT = 60;
const HOSTS = Array.from({ length: COUNT }, (_, i) => `demo${i}.test`);
const SERVERS = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];

/** Its clock goes on whenever it is read: a slice is over after a step or two. */
class Ticking extends ManualRuntime {
  #read = 0;

  override now(): number {
    return super.now() + 2 * this.#read++;
  }
}

/**
 * Each host's route leads to a subset, and the subset's cluster to a server by its label. Other versions change all of
 * route, cluster and endpoints at once, so that half of one and half of the other leads to the third server.
 */
function rules(version: 'before' | 'after', hosts: readonly string[] = HOSTS): RuleChange[] {
  const before = version === 'before';
  return hosts.flatMap((host): RuleChange[] => {
    const key = serviceKey(host, PORT);
    const subset = (name: string, label: string) =>
      cluster(host, name, {
        name: `outbound|${PORT}|${name}|${host}`,
        port: PORT,
        endpointsKey: key,
        labels: { is: label },
      });
    const destinations = [{ cluster: `outbound|${PORT}|${before ? 'a' : 'b'}|${host}`, weight: 1 }];
    const [one, two, three] = SERVERS.map((address, i) => {
      const is = before ? ['one', 'no', 'third'] : ['third', 'two', 'no'];
      return endpoint(address, { port: PORT, labels: { is: is[i]! } });
    });
    return [
      {
        type: 'upsert',
        kind: 'service',
        rule: service(host, { key, port: PORT, protocol: 'frame', routes: [route('r', [], { destinations })] }),
      },
      { type: 'upsert', kind: 'cluster', rule: subset('a', before ? 'one' : 'third') },
      { type: 'upsert', kind: 'cluster', rule: subset('b', before ? 'third' : 'two') },
      {
        type: 'upsert',
        kind: 'endpoints',
        rule: { key, endpoints: [one!, two!, three!], from: { source: 'test', origin: 'test' } },
      },
    ];
  });
}

function removals(hosts: readonly string[]): RuleChange[] {
  return hosts.flatMap((host): RuleChange[] => [
    { type: 'remove', kind: 'service', key: serviceKey(host, PORT) },
    { type: 'remove', kind: 'endpoints', key: serviceKey(host, PORT) },
    ...['a', 'b'].map(
      (subset) => ({ type: 'remove', kind: 'cluster', key: `outbound|${PORT}|${subset}|${host}` }) as const,
    ),
  ]);
}

interface Sliced extends World {
  readonly runtime: ManualRuntime;
  emit(batch: readonly RuleChange[]): void;
  /** Which server answers, or the code of the Failure. `wait`: not before {@link held} is told to. */
  ask(host: string, payload?: string): Promise<string>;
  readonly held: ((payload: string) => void)[];
  readonly working: () => boolean;
  /** Versions that calls were said to obey. */
  readonly told: string[];
}

/** All hosts are in use. */
async function start(): Promise<Sliced> {
  const runtime = new Ticking();
  let emit: Sliced['emit'];
  const source = {
    name: 'code',
    precedence: 400,
    watch: () =>
      new Observable<readonly RuleChange[]>((subscriber) => {
        emit = (batch) => subscriber.next(batch);
        emit([...rules('before'), { type: 'complete' }]);
      }),
  };
  const it = world(undefined, { sources: [source], runtime });
  const held: Sliced['held'] = [];
  const answer = (host: string) => (payload: string, later: (payload: string) => void) => {
    if (payload !== 'wait') return `${host} ${payload}`;
    held.push(later);
    return undefined;
  };
  for (const host of SERVERS) it.server(host, answer(host));
  await it.mesh.ready();
  const ask = (host: string, payload = 'x') =>
    firstValueFrom(it.mesh.call({ host, port: PORT }, message('request', payload))).then(
      (reply) => payloadOf(reply.message!).split(' ')[0]!,
      (failure: { code: string }) => failure.code,
    );
  for (const host of HOSTS) expect(await ask(host)).toBe('10.0.0.1');
  const { work } = it.mesh as never as { work: { idle: boolean } };
  const working = () => !work.idle;
  while (working()) await turn();
  const told: string[] = [];
  it.mesh.changes.subscribe((version) => told.push(version));
  return { ...it, runtime, emit: emit!, ask, held, working, told };
}

/** Calls a host each turn until all is done. @returns the answers by when they were asked for, and how many turns it took */
async function askMeanwhile({ ask, working, told }: Sliced, changes = 1) {
  const answers: Promise<string>[][] = Array.from({ length: changes + 1 }, () => []);
  let turns = 0;
  for (; working(); turns++) {
    const obeyed = told.length;
    answers[obeyed]!.push(ask(HOSTS[(turns * 7) % COUNT]!));
    await turn();
  }
  return { turns, answers: await Promise.all(answers.map((it) => Promise.all(it))) };
}

test('a batch is in force as a whole: a call finds all of what was, or all of what is', async () => {
  const it = await start();
  const { version } = it.mesh.status;
  it.emit(rules('after'));
  expect(it.working()).toBe(true);
  expect(it.told).toEqual([]);
  expect(it.mesh.status.version).toBe(version);
  const { turns, answers } = await askMeanwhile(it);
  expect(turns).toBeGreaterThan(50);
  expect(answers[0]!.length).toBeGreaterThan(10);
  expect(new Set(answers[0])).toEqual(new Set(['10.0.0.1']));
  expect(answers[1]!.length).toBeGreaterThan(10);
  expect(new Set(answers[1])).toEqual(new Set(['10.0.0.2']));
  expect(it.told).toEqual([it.mesh.status.version]);
  for (const host of HOSTS) expect(await it.ask(host)).toBe('10.0.0.2');
  await close(it.mesh, it.runtime);
});

test('a second batch in the middle of the first comes after it', async () => {
  const it = await start();
  const { version } = it.mesh.status;
  it.emit(rules('after'));
  it.emit(removals(HOSTS.slice(0, 20)));
  it.emit([...rules('before')]);
  const { answers } = await askMeanwhile(it, 3);
  expect(it.told).toHaveLength(3);
  expect(it.told[2]).toBe(version);
  const [first, second, third, last] = answers.map((list) => [...new Set(list)].sort());
  expect(first).toEqual(['10.0.0.1']);
  expect(second).toEqual(['10.0.0.2']);
  expect(third).toEqual(['10.0.0.2', 'NO_SERVICE']);
  expect(last).toEqual(['10.0.0.1']);
  await close(it.mesh, it.runtime);
});

test('calls that are under way when services are removed end where they are', async () => {
  const it = await start();
  const underWay = HOSTS.map((host) => it.ask(host, 'wait'));
  for (let i = 0; i < 1000 && it.held.length < COUNT; i++) await turn();
  it.emit(removals(HOSTS));
  const { answers } = await askMeanwhile(it);
  for (const reply of it.held) reply('early');
  expect(new Set(await Promise.all(underWay))).toEqual(new Set(['early']));
  expect(new Set(answers[1])).toEqual(new Set(['NO_SERVICE']));
  while (it.working()) await turn();
  expect(sizes(it.mesh)).toMatchObject({
    plans: 0,
    stale: 0,
    successions: 0,
    clusters: 0,
    byName: 0,
    adoptedClusters: 0,
  });
  await close(it.mesh, it.runtime);
});

test.each([0, 5, 60, 140])('a mesh that is closed %i slices into a batch lets go of all', async (slices) => {
  const it = await start();
  it.emit(rules('after'));
  for (let i = 0; i < slices; i++) await turn();
  it.emit(removals(HOSTS));
  await close(it.mesh, it.runtime);
  for (let i = 0; i < 5; i++) await turn();
  expect(sizes(it.mesh)).toMatchObject({
    plans: 0,
    ready: 0,
    stale: 0,
    successions: 0,
    clusters: 0,
    byName: 0,
    peers: 0,
    state: 0,
    working: 0,
  });
});

test('a large table is built when it comes, and not by the first call', async () => {
  const it = await start();
  const { services } = it.mesh as never as { services: { ready: Map<string, unknown> } };
  const large = (host: string, count: number): RuleChange => {
    const routes = Array.from({ length: count }, (_, i) => route(`${i}`, [], { destinations: [] }));
    const key = serviceKey(host, PORT);
    return { type: 'upsert', kind: 'service', rule: service(host, { key, port: PORT, protocol: 'frame', routes }) };
  };
  it.emit([large('large.test', 501), large('small.test', 500)]);
  while (it.working()) await turn();
  expect([...services.ready.keys()]).toEqual([serviceKey('large.test', PORT)]);
  expect(await it.ask('large.test')).toBe('NO_CLUSTER');
  expect(services.ready.size).toBe(0);
  it.emit([large('other.test', 501)]);
  while (it.working()) await turn();
  it.emit(removals(['other.test', 'large.test']));
  while (it.working()) await turn();
  expect(services.ready.size).toBe(0);
  await close(it.mesh, it.runtime);
});

test('a cluster that is let go of while a change is made ready takes nothing of it', async () => {
  const it = await start();
  const host = HOSTS.at(-1)!;
  const key = serviceKey(host, PORT);
  const waiting = it.ask(host, 'wait');
  while (it.held.length === 0) await turn();
  it.emit(rules('after', [host]));
  while (it.working()) await turn();
  // Its first cluster is left to that call alone.
  const { clusters } = it.mesh as never as { clusters: Iterable<{ name: string; snapshot(): readonly unknown[] }> };
  const left = [...clusters].find(({ name }) => name === `outbound|${PORT}|a|${host}`)!;
  const endpoints = ['10.0.0.2', '10.0.0.9'].map((address, i) =>
    endpoint(address, { port: PORT, labels: { is: ['two', 'third'][i]! } }),
  );
  it.emit([
    ...rules('after', HOSTS.slice(0, -1)),
    { type: 'upsert', kind: 'endpoints', rule: { key, endpoints, from: { source: 'test', origin: 'test' } } },
  ]);
  while (sizes(it.mesh).changing === 0) await turn();
  it.held[0]!('done');
  expect(await waiting).toBe('done');
  expect(it.working()).toBe(true);
  while (it.working()) await turn();
  expect(await it.ask(host)).toBe('10.0.0.2');
  expect([...clusters]).not.toContain(left);
  expect(left.snapshot()).toEqual([]);
  await close(it.mesh, it.runtime);
});
