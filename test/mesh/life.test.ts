import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from '@jest/globals';
import { firstValueFrom, Subject } from 'rxjs';
import type { Dispatcher } from '../../src/call/index.js';
import { serve } from '../../src/connection/index.js';
import { type Failure, Reply } from '../../src/index.js';
import { systemRuntime } from '../../src/runtime/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { callOnce, DEMO, demoService, frames, message, payloadOf, policy, router, world } from './support.js';

describe('the first rules', () => {
  test('calls before them are held, and go on in order', async () => {
    const { mesh, source, server, call } = world();
    server('10.0.0.1');
    server('10.0.0.2');
    const early = [call('a'), call('b')];
    source.set(demoService);
    await mesh.ready();
    const answers = await Promise.all(early);
    expect(answers.map((it) => it.slice(-1))).toEqual(['a', 'b']);
    expect(answers.map((it) => it.slice(0, 8)).sort()).toEqual(['10.0.0.1', '10.0.0.2']);
    await mesh.close();
  });

  test('a held call may be cancelled; what is over the bound is refused', async () => {
    const { mesh, source, call } = world();
    const cancelled = mesh.call(DEMO, message('request', 'x')).subscribe({ error: () => expect(true).toBe(false) });
    const held = Array.from({ length: 1023 }, () => call());
    cancelled.unsubscribe();
    held.push(call());
    expect(await call()).toBe('NO_RULES');
    source.set(demoService);
    await mesh.close({ drainMs: 0 });
    expect(new Set(await Promise.all(held))).not.toContain('NO_RULES');
  });

  test('in vain: calls fail, and ready says who is silent', async () => {
    const runtime = new ManualRuntime();
    const { mesh, call } = world(undefined, { runtime, initialTimeoutMs: 500 });
    const early = call();
    runtime.advance(500);
    await expect(mesh.ready()).rejects.toThrow('no rules within 500 ms from yaml');
    expect(await early).toBe('NO_RULES');
    await mesh.close();
  });

  test('in vain, with onNoRules: direct: to where the call was addressed', async () => {
    const runtime = new ManualRuntime();
    const { mesh, server, call } = world(undefined, { runtime, initialTimeoutMs: 500, onNoRules: 'direct' });
    server('demo.test');
    const early = call();
    runtime.advance(500);
    expect(await early).toBe('demo.test hello');
    await mesh.close();
  });

  test('a source that fails is told by ready', async () => {
    const failing = { name: 'broken', precedence: 1, watch: () => new Subject<never>() };
    const subject = new Subject<never>();
    failing.watch = () => subject;
    const { mesh } = world(demoService, { sources: [failing] });
    subject.error(new Error('no such folder'));
    await expect(mesh.ready()).rejects.toThrow('source broken failed: no such folder');
    await mesh.close();
  });
});

describe('what nobody describes', () => {
  test('is NO_SERVICE and says what is missing', async () => {
    const { mesh } = world(demoService);
    const call = firstValueFrom(mesh.call({ host: 'other.test', port: 1 }, message('request', 'x')));
    await expect(call).rejects.toThrow('no rule describes other.test:1');
    await mesh.close();
  });

  test('a protocol that is not registered is named', async () => {
    const { mesh } = world(demoService.replace('tcp-metaprotocol-frame', 'tcp-metaprotocol-thrift'));
    await expect(firstValueFrom(mesh.call(DEMO, message('request', 'x')))).rejects.toThrow("speaks 'thrift'");
    await mesh.close();
  });

  test('a route that matches nothing is NO_ROUTE', async () => {
    const only = router(
      'routes: [{ match: { attributes: { payload: { exact: yes } } }, route: [{ destination: { host: demo.test } }] }]',
    );
    const { mesh, server, call } = world(demoService + only);
    server('10.0.0.1');
    expect(await call('no')).toBe('NO_ROUTE');
    await mesh.close();
  });
});

describe('a call', () => {
  test('is cold: each subscription is a call of its own', async () => {
    const { mesh, server } = world(demoService);
    server('10.0.0.1');
    server('10.0.0.2');
    const calls = mesh.call(DEMO, message('request', 'x'));
    const first = payloadOf((await firstValueFrom(calls)).message!);
    const second = payloadOf((await firstValueFrom(calls)).message!);
    expect([first, second].sort()).toEqual(['10.0.0.1 x', '10.0.0.2 x']);
    await mesh.close();
  });

  test("is answered in its caller's async context", async () => {
    const { mesh, server, call } = world(demoService);
    server('10.0.0.1');
    server('10.0.0.2');
    await call(); // connections are open: in nobody's context
    await call();
    const store = new AsyncLocalStorage<string>();
    const seen = await Promise.all(
      ['a', 'b'].map((name) =>
        store.run(
          name,
          () =>
            new Promise((resolve) => {
              mesh.call(DEMO, message('request', name)).subscribe(() => resolve(store.getStore()));
            }),
        ),
      ),
    );
    expect(seen).toEqual(['a', 'b']);
    await mesh.close();
  });

  test('ends by its own timeout, by an abort, and by unsubscribing; late replies reach nobody', async () => {
    const runtime = new ManualRuntime();
    const { mesh, server } = world(demoService, { runtime });
    server('10.0.0.1', () => undefined);
    server('10.0.0.2', () => undefined);
    await mesh.ready();
    const slow = callOnce(mesh, 'slow', 50);
    runtime.advance(50);
    expect(await slow).toBe('DEADLINE');

    const abort = new AbortController();
    const aborted = firstValueFrom(mesh.call(DEMO, message('request', 'x'), { signal: abort.signal }));
    abort.abort(new Error('enough'));
    const failure = (await aborted.catch((error: unknown) => error)) as Failure;
    expect([failure.code, (failure.cause as Error).message]).toEqual(['CANCELLED', 'enough']);

    let told = false;
    const subscription = mesh.call(DEMO, message('request', 'x')).subscribe({
      next: () => (told = true),
      error: () => (told = true),
    });
    subscription.unsubscribe();
    expect(mesh.status.activeCalls).toBe(0);
    expect(told).toBe(false);
    await mesh.close();
  });

  test('one-way completes without a value', async () => {
    const { mesh, server } = world(demoService);
    const arrived = new Promise<string>((resolve) => {
      for (const host of ['10.0.0.1', '10.0.0.2']) server(host, (payload) => void resolve(payload));
    });
    const values: unknown[] = [];
    await mesh.call(DEMO, message('oneway', 'ping')).forEach((reply) => {
      values.push(reply);
    });
    expect(await arrived).toBe('ping');
    expect(values).toEqual([]);
    await mesh.close();
  });
});

describe('closing', () => {
  test('lets calls under way finish and refuses new ones', async () => {
    const { mesh, network } = world(demoService);
    let answer!: () => void;
    const arrived = new Promise<void>((resolve) => {
      network.listen({ host: '10.0.0.1', port: 9000 }, (socket) => {
        const dispatcher: Dispatcher = {
          dispatch: (_request, sink) => {
            answer = () => sink.reply(new Reply(message('response', 'late')));
            resolve();
            return { cancel() {} };
          },
        };
        serve(socket, frames, dispatcher, { runtime: systemRuntime() });
      });
    });
    await mesh.ready();
    const underWay = callOnce(mesh, 'x');
    await arrived;
    const ends: string[] = [];
    void mesh.closed.then(() => ends.push('mesh'));
    void mesh.close();
    expect(await callOnce(mesh, 'y')).toBe('DRAINING');
    answer();
    ends.push(await underWay);
    await mesh.closed;
    expect(ends).toEqual(['late', 'mesh']);
  });

  test('ends what is left when the time is over', async () => {
    const runtime = new ManualRuntime();
    const { mesh, server, call } = world(demoService, { runtime });
    server('10.0.0.1', () => undefined);
    await mesh.ready();
    const stuck = call();
    const closed = mesh.close({ drainMs: 100 });
    runtime.advance(100);
    expect(await stuck).toBe('DRAINING');
    await closed;
  });
});

describe('observe', () => {
  test('decides and writes down, enforces nothing', async () => {
    const rules =
      demoService +
      router('routes: [{ name: pinned, route: [{ destination: { host: demo.test, subset: v2 } }] }]') +
      policy('rateLimit: { tokenBucket: { maxTokens: 1, tokensPerFill: 1, fillInterval: 60s } }');
    const observing = world(rules, { mode: 'observe' });
    observing.server('10.0.0.1');
    observing.server('10.0.0.2');
    const answers = [await observing.call(), await observing.call(), await observing.call()];
    expect(new Set(answers)).toEqual(new Set(['10.0.0.1 hello', '10.0.0.2 hello']));
    await observing.mesh.close();

    const enforcing = world(rules);
    enforcing.server('10.0.0.2');
    expect([await enforcing.call(), await enforcing.call()]).toEqual(['10.0.0.2 hello', 'RATE_LIMITED']);
    await enforcing.mesh.close();
  });
});
