import { expect, test } from '@jest/globals';
import { Observable, type Subscriber } from 'rxjs';
import type { RouteRule, RuleChange, RuleSource } from '../../src/rules/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { route } from '../routing/rules.js';
import { DEMO, demoService, type World, world, YamlSource } from './support.js';

const KEY = 'demo.test_9000';

/** Says nothing of a service before a test lets it. */
class ByName implements RuleSource {
  readonly name = 'control-plane';
  readonly precedence = 200;
  #subscriber: Subscriber<readonly RuleChange[]> | undefined;

  watch(): Observable<readonly RuleChange[]> {
    return new Observable((subscriber) => {
      this.#subscriber = subscriber;
      subscriber.next([{ type: 'complete', of: new Set() }]);
    });
  }

  answer(...routes: readonly RouteRule[]): void {
    const table: RuleChange = { type: 'upsert', kind: 'routes', rule: { key: KEY, routes, from: routes[0]!.from } };
    this.#subscriber!.next([table, { type: 'complete', of: new Set([KEY]) }]);
  }

  answerNothing(): void {
    this.#subscriber!.next([{ type: 'complete', of: new Set([KEY]) }]);
  }
}

const toV2 = route('pushed', [], { destinations: [{ cluster: 'outbound|9000|v2|demo.test', weight: 1 }] });

async function start(options: Parameters<typeof world>[1] = {}) {
  const runtime = new ManualRuntime();
  const source = new ByName();
  const sources = [new YamlSource(demoService), source];
  const it: World = world(undefined, { runtime, sources, initialTimeoutMs: 4_000, ...options });
  for (const address of ['10.0.0.1', '10.0.0.2']) it.server(address);
  await it.mesh.ready();
  return { ...it, runtime, source };
}

test('the first calls of a service wait for the answer to its name, and obey it', async () => {
  const { mesh, call, runtime, source } = await start();
  const calls = [call(), call(), call()];
  await runtime.advanceAsync(3_999);
  expect(mesh.status.placements).toMatchObject([{ placement: 'waiting', reason: 'first-rules' }]);
  source.answer(toV2);
  await runtime.advanceAsync(0);
  expect(await Promise.all(calls)).toEqual(Array(3).fill('10.0.0.2 hello'));
  expect(await call()).toBe('10.0.0.2 hello');
  await mesh.close({ drainMs: 0 });
});

test('an answer that has nothing of it leaves the default route', async () => {
  const { mesh, call, runtime, source } = await start();
  const first = call();
  source.answerNothing();
  await runtime.advanceAsync(0);
  expect(await first).toMatch(/^10\.0\.0\.[12] hello$/);
  expect(mesh.status.placements).toMatchObject([{ placement: 'in-process', reason: 'served' }]);
  await mesh.close({ drainMs: 0 });
});

test('without an answer in time onNoRules decides, and a late answer is obeyed', async () => {
  const { mesh, call, runtime, source } = await start({ onNoRules: 'fail' });
  const first = call();
  await runtime.advanceAsync(4_000);
  expect(await first).toBe('NO_RULES');
  expect(mesh.status.placements[0]!.refused).toContain('no answer within 4000 ms from its source');
  source.answer(toV2);
  await runtime.advanceAsync(0);
  expect(await call()).toBe('10.0.0.2 hello');
  await mesh.close({ drainMs: 0 });
});

test('by default a service without an answer is served by its default route, and says why', async () => {
  const { mesh, call, runtime } = await start();
  const first = call();
  await runtime.advanceAsync(4_000);
  expect(await first).toMatch(/^10\.0\.0\.[12] hello$/);
  expect(mesh.status.placements).toMatchObject([{ placement: 'in-process', reason: 'no-rules' }]);
  await mesh.close({ drainMs: 0 });
  expect(runtime.referenced).toBe(0);
});

test('a sidecar takes the calls meanwhile, if there is one', async () => {
  const sidecar = { ports: { [`${DEMO.host}:${DEMO.port}`]: 15_100 } };
  const { mesh, network, runtime, source } = await start({ sidecar, fallBack: { lastsMs: 0, healthyMs: 0 } });
  const dialled: number[] = [];
  network.listen({ host: '127.0.0.1', port: 15_100 }, (socket) => {
    dialled.push(15_100);
    socket.destroy();
  });
  mesh.connect(DEMO.host, DEMO.port).on('error', () => {});
  await runtime.advanceAsync(0);
  expect(mesh.status.placements).toMatchObject([{ placement: 'sidecar', reason: 'first-rules' }]);
  expect(dialled).toEqual([15_100]);
  source.answer(toV2);
  await runtime.advanceAsync(0);
  expect(mesh.status.placements).toMatchObject([{ placement: 'in-process' }]);
  await mesh.close({ drainMs: 0 });
});
