import { getEventListeners } from 'node:events';
import { expect, test } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { opossum } from '../../adapters/engines/opossum.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { FrameClient } from './frame-client.js';
import { close, QUIET, quiet, sizes, turn } from './scene.js';
import { DEMO, demoService, message, payloadOf, policy, router, world } from './support.js';

const CALLS = 10_000;
const SEED = 20261121;

const rules =
  demoService +
  router(`routes: [{ name: r, route: [{ destination: { host: demo.test, subset: v1 } }],
    mirror: { host: demo.test, subset: v2 }, mirrorPercentage: { value: 20 } }]`) +
  policy(`timeout: 50ms, attemptTimeout: 20ms,
    retry: { attempts: 2, backoff: { base: 1ms, max: 2ms }, idempotent: true },
    rateLimit: { tokenBucket: { maxTokens: 1000000, tokensPerFill: 1, fillInterval: 1s } },
    circuitBreaker: { errorPercent: 100, minimumCalls: 1000000 },
    concurrency: { maxRequests: 3, maxPendingRequests: 2 },
    fallback: { on: [ATTEMPT_TIMEOUT, NO_ENDPOINT, CONNECTION_LOST], destination: { host: demo.test, subset: v2 } }`);

test('10,000 calls that are answered, late, lost, cancelled and retried leave nothing behind', async () => {
  const runtime = new ManualRuntime(SEED);
  const { random } = new ManualRuntime(SEED + 1);
  const { mesh, network } = world(rules, {
    runtime,
    engines: { breaker: opossum(runtime) },
    connections: { pool: { backoffBaseMs: 1, backoffMaxMs: 2 } },
  });
  const late: (() => void)[] = [];
  const warnings: Error[] = [];
  const warned = (warning: Error) => void warnings.push(warning);
  process.on('warning', warned);
  const servers = world(''); // only for its servers
  for (const host of ['10.0.0.1', '10.0.0.2']) {
    servers.server(host, (payload, later) => {
      if (payload.startsWith('now') || random() < 0.4) return payload;
      late.push(() => later(payload));
      return undefined;
    });
    network.listen({ host, port: 9000 }, (socket) => {
      const server = servers.network.connect({ host, port: 9000 });
      socket.on('error', () => {});
      server.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        if (chunk.includes('hang up') && random() < 0.5) socket.destroy();
        else server.write(chunk);
      });
      socket.on('close', () => server.destroy());
      server.on('data', (chunk: Buffer) => socket.write(chunk));
      server.on('end', () => socket.end());
    });
  }
  await mesh.ready();

  const { signal } = new AbortController();
  const outcomes = new Map<string, number>();
  const call = async (i: number): Promise<void> => {
    const kind = ['now', 'now', 'late', 'hang up', 'cancelled'][Math.floor(random() * 5)]!;
    const payload = `${kind} ${i}`;
    let over = false;
    let outcome = 'cancelled';
    const done = new Promise<void>((resolve) => {
      const subscription = mesh.call(DEMO, message('request', payload), { signal }).subscribe({
        next: (reply) => {
          outcome = payloadOf(reply.message!) === payload ? 'own' : 'crossed';
        },
        error: (failure: { code: string }) => {
          outcome = failure.code;
          resolve();
        },
        complete: resolve,
      });
      if (kind === 'cancelled') {
        subscription.unsubscribe();
        resolve();
      }
    });
    void done.then(() => {
      over = true;
    });
    await turn();
    while (!over) await runtime.advanceAsync(5);
    runtime.advance(3); // a connection that was lost may be tried again
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (late.length > 20) for (const answer of late.splice(0)) answer();
  };
  const rest = async (): Promise<void> => {
    for (const answer of late.splice(0)) answer();
    for (let i = 0; i < 5; i++) await runtime.advanceAsync(100);
    // All endpoints are connected again, and back from their pauses.
    runtime.advance(10_000);
    for (let i = 0; i < 20; i++) await firstValueFrom(mesh.call(DEMO, message('request', `now ${i}`)));
    for (let i = 0; i < 5; i++) await turn();
  };

  for (let i = 0; i < 200; i++) await call(i);
  await rest();
  const before = { ...sizes(mesh), timers: runtime.pending };
  for (let i = 0; i < CALLS; i++) await call(i);
  await rest();
  expect({ ...sizes(mesh), timers: runtime.pending }).toEqual(before);
  expect(quiet(mesh)).toEqual(QUIET);
  expect(runtime.referenced).toBe(0);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  expect(outcomes.get('crossed')).toBeUndefined();
  for (const kind of ['own', 'cancelled', 'DEADLINE', 'ATTEMPT_TIMEOUT', 'CONNECTION_LOST'])
    expect(outcomes.get(kind)).toBeGreaterThan(100);

  const clients = Array.from({ length: 100 }, () => new FrameClient(mesh.connect(DEMO.host, DEMO.port)));
  for (const client of clients) expect(await client.call('now')).toBe('now');
  for (const [i, { stream }] of clients.entries()) {
    if (i % 2 === 0) stream.end();
    else stream.destroy();
  }
  await Promise.all(clients.map((client) => client.closed));
  await turn();
  expect(sizes(mesh).streams).toBe(0);

  await close(mesh, runtime);
  await runtime.advanceAsync(5000); // peers that linger
  expect(runtime.pending).toBe(0);
  process.off('warning', warned);
  expect(warnings).toEqual([]);
}, 60_000);
