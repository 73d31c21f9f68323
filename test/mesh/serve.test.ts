import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { map, NEVER, Observable, of, throwError, timer } from 'rxjs';
import { type Handler, plainTransport } from '../../src/connection/index.js';
import { Failure, type Interceptor, type MeshOptions, type Protocol, Reply } from '../../src/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { EchoServer } from '../connection/support/echo-server.js';
import { FrameClient } from './frame-client.js';
import { meanwhile } from './scene.js';
import { demoService, frames, message, payloadOf, policy, router, type World, world } from './support.js';

const SERVICE = 'demo.test:9000';
const ECHO: Handler = (request) => message('response', payloadOf(request));
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function start(yaml?: string, options: Partial<MeshOptions> = {}): World {
  const it = world(yaml, options);
  closing.push(() => it.mesh.close({ drainMs: 0 }));
  return it;
}

/** A mesh that serves, and a client that knows nothing of it. */
async function served(handler: Handler, yaml = demoService, options: Partial<MeshOptions> = {}) {
  const { mesh, source } = start(yaml, options);
  const listener = await mesh.serve({ port: 0, service: SERVICE, handler });
  const client = FrameClient.dial(listener.port);
  closing.push(async () => client.stream.destroy());
  return { mesh, source, listener, client };
}

describe('a handler', () => {
  const handlers: [string, Handler][] = [
    ['a message', ECHO],
    ['a promise', async (request) => ECHO(request, undefined as never) as never],
    ['an Observable', (request) => of(message('response', payloadOf(request)), message('response', 'second'))],
    [
      'an Observable that takes its time',
      (request) => timer(1).pipe(map(() => message('response', payloadOf(request)))),
    ],
  ];
  test.each(handlers)('answers with %s', async (_what, handler) => {
    const { client, mesh } = await served(handler);
    expect(await Promise.all(['a', 'b', 'c'].map((it) => client.call(it)))).toEqual(['a', 'b', 'c']);
    expect(client.stray).toBe(0);
    expect(mesh.status.activeCalls).toBe(0);
  });

  const failing: [string, Handler, string][] = [
    [
      'throws',
      () => {
        throw new Error('burst');
      },
      'HANDLER_FAILED: burst',
    ],
    ['rejects', () => Promise.reject(new Error('burst')), 'HANDLER_FAILED: burst'],
    ['errs', () => throwError(() => new Error('burst')), 'HANDLER_FAILED: burst'],
    ['says nothing', () => undefined, 'HANDLER_FAILED: no reply'],
    ['throws a Failure', () => throwError(() => new Failure('DENIED')), 'DENIED'],
  ];
  test.each(failing)('that %s is answered with an error', async (_what, handler, answer) => {
    const { client, mesh } = await served(handler);
    expect(await client.call('x')).toContain(`error: ${answer}`);
    expect(mesh.status.activeCalls).toBe(0);
  });

  test('gets one-way requests, and nobody gets an answer', async () => {
    const seen: string[] = [];
    const { client, mesh } = await served((request) => {
      seen.push(payloadOf(request));
      if (request.kind === 'oneway') throw new Error('nobody hears it');
      return message('response', 'done');
    });
    client.oneway('ping');
    expect(await client.call('x')).toBe('done');
    expect(seen).toEqual(['ping', 'x']);
    expect(client.stray).toBe(0);
    expect(mesh.status.activeCalls).toBe(0);
  });

  test('is unsubscribed when its caller went away', async () => {
    let left!: () => void;
    const gone = new Promise<void>((resolve) => {
      left = resolve;
    });
    let arrived!: () => void;
    const here = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const { client, mesh } = await served(
      () =>
        new Observable(() => {
          arrived();
          return left;
        }),
    );
    void client.call('x');
    await here;
    (client.stream as Socket).resetAndDestroy(); // only its end would be half-closing, which keeps replies coming
    await gone;
    expect(mesh.status.activeCalls).toBe(0);
  });
});

describe('forwarding', () => {
  test("calls reach the app's own port; what is refused does not", async () => {
    const app = await new EchoServer().listen();
    closing.push(() => app.close());
    const limited =
      demoService + router('localRateLimit: { tokenBucket: { maxTokens: 2, tokensPerFill: 1, fillInterval: 60s } }');
    const { mesh } = start(limited, { transport: plainTransport });
    const { port } = await mesh.serve({ port: 0, service: SERVICE, forward: { port: app.port } });
    const client = FrameClient.dial(port);
    closing.push(async () => client.stream.destroy());
    expect(await Promise.all(['a', 'b'].map((it) => client.call(it)))).toEqual(['a', 'b']);
    expect(await client.call('c')).toMatch(/^error: RATE_LIMITED: request '3' has been rate limited$/);
    expect(app.requests.map(payloadOf)).toEqual(['a', 'b']);
    expect(mesh.status.activeCalls).toBe(0);
    expect(mesh.status.ports).toEqual([
      { direction: 'inbound', host: '127.0.0.1', port, service: SERVICE, connections: 1 },
    ]);
  });

  test('a change of rules leaves the connection to the app alone', async () => {
    const app = await new EchoServer().listen();
    closing.push(() => app.close());
    const { mesh, source } = start(demoService, { transport: plainTransport });
    const { port } = await mesh.serve({ port: 0, service: SERVICE, forward: { port: app.port } });
    const client = FrameClient.dial(port);
    closing.push(async () => client.stream.destroy());
    expect(await client.call('a')).toBe('a');
    for (const timeout of ['1s', '2s']) {
      source.set(demoService + policy(`timeout: ${timeout}`));
      expect(await client.call(timeout)).toBe(timeout);
    }
    expect(app.accepted).toBe(1);
  });

  test('an app that is not there is told as such', async () => {
    const { mesh } = start(demoService, { transport: plainTransport });
    const app = await new EchoServer().listen();
    const { port } = app;
    await app.close();
    const listener = await mesh.serve({ port: 0, service: SERVICE, forward: { port } });
    const client = FrameClient.dial(listener.port);
    closing.push(async () => client.stream.destroy());
    expect(await client.call('a')).toContain('error: CONNECT_FAILED');
  });
});

describe("MetaRouter's local rate limit", () => {
  const conditions = (bucket: string) => `localRateLimit: {
    conditions: [{ match: { attributes: { payload: { exact: dear } } },
                   tokenBucket: { maxTokens: 1, tokensPerFill: 1, fillInterval: 60s } }],
    tokenBucket: ${bucket} }`;
  const three = '{ maxTokens: 3, tokensPerFill: 1, fillInterval: 60s }';
  const limited = (payload: string) => (payload.startsWith('error: RATE_LIMITED') ? 'limited' : payload);

  test('the first condition that matches decides alone, else the default bucket; refills come whole', async () => {
    const runtime = new ManualRuntime();
    const { client } = await served(ECHO, demoService + router(conditions(three)), { runtime });
    const call = async (payload: string) => limited(await client.call(payload));
    expect([await call('dear'), await call('dear')]).toEqual(['dear', 'limited']);
    expect([await call('a'), await call('b'), await call('c'), await call('d')]).toEqual(['a', 'b', 'c', 'limited']);
    runtime.advance(59_999);
    expect([await call('dear'), await call('e')]).toEqual(['limited', 'limited']);
    runtime.advance(1);
    expect([await call('dear'), await call('e'), await call('f')]).toEqual(['dear', 'e', 'limited']);
  });

  test('a push that does not touch the limit refills nothing; one that does begins anew', async () => {
    const { client, source } = await served(ECHO, demoService + router(conditions(three)));
    const call = async (payload: string) => limited(await client.call(payload));
    expect([await call('a'), await call('b'), await call('dear')]).toEqual(['a', 'b', 'dear']);
    const routes = 'routes: [{ name: other, route: [{ destination: { host: demo.test } }] }]';
    source.set(demoService + router(`${routes}, ${conditions(three)}`) + policy('timeout: 3s'));
    expect([await call('c'), await call('d'), await call('dear')]).toEqual(['c', 'limited', 'limited']);
    source.set(demoService + router(conditions('{ maxTokens: 1, tokensPerFill: 1, fillInterval: 60s }')));
    expect([await call('e'), await call('f'), await call('dear')]).toEqual(['e', 'limited', 'limited']);
    source.set(demoService);
    expect([await call('g'), await call('dear'), await call('dear')]).toEqual(['g', 'dear', 'dear']);
  });

  test('calls under way when the rules change end as they began, and connections live on', async () => {
    const answers: (() => void)[] = [];
    let arrived!: () => void;
    const both = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const { client, source, mesh } = await served(
      (request) =>
        new Promise((resolve) => {
          answers.push(() => resolve(message('response', payloadOf(request))));
          if (answers.length === 2) arrived();
        }),
      demoService + router(conditions(three)),
    );
    const first = client.call('first');
    const second = (async () => {
      source.set(demoService + router(conditions('{ maxTokens: 9, tokensPerFill: 1, fillInterval: 60s }')));
      return client.call('second');
    })();
    await both;
    for (const answer of answers) answer();
    expect([await first, await second]).toEqual(['first', 'second']);
    expect(mesh.status.activeCalls).toBe(0);
  });

  test('holds where calls are served and not where they are made', async () => {
    const rules =
      demoService + router('localRateLimit: { tokenBucket: { maxTokens: 1, tokensPerFill: 1, fillInterval: 60s } }');
    const { server, call } = start(rules);
    server('10.0.0.1');
    server('10.0.0.2');
    for (let i = 0; i < 5; i++) expect(await call()).toMatch(/hello$/);
  });

  test("TrafficPolicy's limit is of the side that calls", async () => {
    const rateLimit = policy('rateLimit: { tokenBucket: { maxTokens: 1, tokensPerFill: 1, fillInterval: 60s } }');
    const { client } = await served(ECHO, demoService + rateLimit);
    for (const payload of ['a', 'b', 'c']) expect(await client.call(payload)).toBe(payload);
  });
});

describe('interceptors', () => {
  test('those for inbound calls stand around the handler, others do not', async () => {
    const log: string[] = [];
    const record = (name: string, more: Partial<Interceptor>): Interceptor => ({
      name,
      ...more,
      intercept: (call, next) => {
        log.push(`${name} ${call.get('payload')} ${call.peer === undefined ? 'ours' : 'theirs'}`);
        call.set('seen-by', name);
        return next(call);
      },
    });
    const interceptors = [
      record('outbound', {}),
      record('inbound', { direction: 'inbound' }),
      record('routed', { direction: 'inbound', phase: 'routed' }),
      record('both', { direction: 'both' }),
    ];
    const seen: (string | undefined)[] = [];
    const handler: Handler = (request, handled) => {
      seen.push(handled.get('seen-by'), handled.get('payload'));
      return ECHO(request, handled);
    };
    const { client } = await served(handler, demoService, { interceptors });
    expect(await client.call('x')).toBe('x');
    expect(log).toEqual(['inbound x theirs', 'both x theirs', 'routed x theirs']);
    expect(seen).toEqual(['routed', 'x']);
  });

  test('one may answer itself, or refuse', async () => {
    let handled = 0;
    const interceptors: Interceptor[] = [
      {
        name: 'guard',
        direction: 'inbound',
        intercept: (call, next) => {
          if (call.get('payload') === 'cached') return of(new Reply(message('response', 'from the cache')));
          return call.get('payload') === 'no' ? throwError(() => new Failure('DENIED')) : next(call);
        },
      },
    ];
    const { client } = await served(
      (request, call) => {
        handled++;
        return ECHO(request, call);
      },
      demoService,
      { interceptors },
    );
    expect(await client.call('cached')).toBe('from the cache');
    expect(await client.call('no')).toContain('error: DENIED');
    expect(await client.call('yes')).toBe('yes');
    expect(handled).toBe(1);
  });
});

test('what cannot be served is refused by name', async () => {
  const { mesh } = start(demoService.replace('metaprotocol-frame', 'metaprotocol-other'));
  const handler = ECHO;
  await expect(mesh.serve({ port: 0, service: SERVICE, handler })).rejects.toThrow(
    "it speaks 'other'; pass protocol, one of: frame",
  );
  await expect(mesh.serve({ port: 0, service: 'demo.test', handler })).rejects.toThrow('is not <host>:<port>');
  await expect(mesh.serve({ port: 0, protocol: 'none', handler })).rejects.toThrow("it speaks 'none'");
  expect((await mesh.serve({ port: 0, handler })).port).toBeGreaterThan(0);
});

test('a service that no rule describes is served without limits, and told of', async () => {
  const told: string[] = [];
  const logger = { debug() {}, info() {}, error() {}, warn: (message: string) => void told.push(message) };
  const { mesh } = start(demoService, { logger });
  await mesh.serve({ port: 0, service: 'demo.tset:9000', handler: ECHO });
  expect(told).toEqual([
    'serve: no rule describes demo.tset:9000, so nothing limits its calls; described are demo.test:9000',
  ]);
  await mesh.serve({ port: 0, service: SERVICE, handler: ECHO });
  expect(told.length).toBe(1);
});

test('what is missing is named', async () => {
  const { mesh } = start(demoService);
  await expect(mesh.serve({ port: 0, service: SERVICE } as never)).rejects.toThrow('serve needs `forward: { port }`');
  await expect(mesh.listen({ port: 0 } as never)).rejects.toThrow(
    'service is undefined; it must be text: <host>:<port>',
  );
});

test('what ran and is cut at the end of the drain is not refused as what did not run', async () => {
  const codes: string[] = [];
  const spied: Protocol = {
    ...frames,
    open: (side, options) => {
      const codec = frames.open(side, options);
      const reject = codec.reject.bind(codec);
      codec.reject = (request, failure) => {
        codes.push(failure.code);
        return reject(request, failure);
      };
      return codec;
    },
  };
  const runtime = new ManualRuntime();
  let begun!: () => void;
  const running = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const never: Handler = () => {
    begun();
    return NEVER;
  };
  const { mesh, client } = await served(never, demoService, { runtime, protocols: [spied] });
  const cut = client.call('x');
  await running;
  const closed = mesh.close({ drainMs: 100 });
  await runtime.advanceAsync(100);
  expect(await cut).toContain('error: DRAINING: the mesh was closed 100 ms ago');
  expect(codes).toEqual(['CONNECTION_LOST']);
  client.stream.destroy();
  await meanwhile(runtime, closed);
});
