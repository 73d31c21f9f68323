import { describe, expect, test } from '@jest/globals';
import { firstValueFrom, map } from 'rxjs';
import { type Interceptor, Reply } from '../../src/index.js';
import { FrameClient } from './frame-client.js';
import { count, HOSTS, QUIET, quiet, scene, turn, V2 } from './scene.js';
import { DEMO, demoService, message, payloadOf, policy, router } from './support.js';

describe('a mirror', () => {
  const mirrored = (percent: string) =>
    router(`routes: [{ name: r, route: [{ destination: { host: demo.test, subset: v1 } }],
      mirror: { host: demo.test, subset: v2 }${percent} }]`);

  test('gets each call once, however often it is tried; nothing that becomes of it is felt', async () => {
    const retry = 'attemptTimeout: 50ms, retry: { attempts: 1, backoff: { base: 1ms, max: 1ms }, idempotent: true }';
    const { call, mesh, runtime, backend } = await scene(mirrored('') + policy(retry));
    const answer = call('x');
    const first = [await backend.next(), await backend.next()];
    expect(first.map((it) => it.host).sort()).toEqual(HOSTS);
    first.find((it) => it.host === '10.0.0.2')!.reply('nobody wants this');
    runtime.advance(51);
    const second = await backend.next();
    expect(second.host).toBe('10.0.0.1');
    second.reply();
    expect(await answer).toBe('10.0.0.1 x');
    await turn();
    expect(backend.all).toHaveLength(3);
    first.find((it) => it.host === '10.0.0.1')!.reply();
    await turn();
    expect(quiet(mesh)).toEqual(QUIET);
    expect(count(mesh, 'requests_total')).toBe(1);
    expect(count(mesh, 'upstream_rq_total', { cluster: V2 })).toBe(1);
  });

  test.each(['is not there', 'hangs up', 'never answers', 'has no endpoints'])('that %s harms nothing', async (how) => {
    const { call, mesh, network, server, source, backend } = await scene(mirrored(''));
    server('10.0.0.1');
    if (how === 'is not there') network.listen({ host: '10.0.0.2', port: 9000 }, () => {})();
    if (how === 'hangs up') network.listen({ host: '10.0.0.2', port: 9000 }, (socket) => socket.destroy());
    if (how === 'has no endpoints')
      source.set(demoService.replace('{ version: v2 } }\n---', '{ version: v3 } }\n---') + mirrored(''));
    for (let i = 0; i < 5; i++) expect(await call(`${i}`)).toBe(`10.0.0.1 ${i}`);
    await turn();
    for (const arrived of backend.all) arrived.reply();
    await turn();
    expect(quiet(mesh)).toEqual(QUIET);
    expect(count(mesh, 'requests_total', { outcome: 'ok' })).toBe(5);
  });

  test('gets its share, drawn by the seed', async () => {
    const { call, server } = await scene(mirrored(', mirrorPercentage: { value: 25 }'), {}, 7);
    let copies = 0;
    server('10.0.0.1');
    server('10.0.0.2', () => {
      copies++;
      return undefined;
    });
    for (let i = 0; i < 400; i++) await call('x');
    expect(copies).toBeGreaterThan(70);
    expect(copies).toBeLessThan(130);
  });
});

test('what rules change of a reply is outside routed interceptors, also where they hand out another', async () => {
  const answered = `responseMutation: [{ key: b, value: ' answered' }]`;
  const seen: (string | undefined)[] = [];
  const cached = new Reply(message('response', 'cached'));
  const cache: Interceptor = {
    name: 'cache',
    phase: 'routed',
    intercept: (call, next) =>
      next(call).pipe(
        map((reply) => {
          seen.push(reply.get('b'));
          return cached;
        }),
      ),
  };
  const route = `routes: [{ name: r, route: [{ destination: { host: demo.test, subset: v1 } }], ${answered} }]`;
  const { mesh, server } = await scene(router(route), { interceptors: [cache] });
  server('10.0.0.1');
  for (let i = 0; i < 2; i++) {
    const reply = await firstValueFrom(mesh.call(DEMO, message('request', 'x')));
    expect([payloadOf(reply.message!), reply.get('b')]).toEqual(['cached', ' answered']);
  }
  expect(seen).toEqual([undefined, undefined]);
  expect(cached.mutation).toBeUndefined();
});

test('mutations: requests as they are sent, replies as the edge sees and writes them; never the messages', async () => {
  const mutated = router(`routes: [{ name: r, route: [{ destination: { host: demo.test, subset: v1 } }],
    requestMutation: [{ key: a, value: ' sent' }], responseMutation: [{ key: b, value: ' answered' }] }]`);
  const { mesh, server } = await scene(mutated);
  server('10.0.0.1');
  const request = message('request', 'x');
  const reply = await firstValueFrom(mesh.call(DEMO, request));
  expect(payloadOf(request)).toBe('x');
  expect(payloadOf(reply.message!)).toBe('10.0.0.1 x sent');
  expect(reply.get('B')).toBe(' answered');
  const client = new FrameClient(mesh.connect(DEMO.host, DEMO.port));
  expect(await client.call('y')).toBe('10.0.0.1 y sent answered');
});
