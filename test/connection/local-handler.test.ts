import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { describe, expect, test } from '@jest/globals';
import { NEVER, Observable, of } from 'rxjs';
import { Failure, type Outcome } from '../../src/call/index.js';
import { type Handler, LocalHandler } from '../../src/connection/index.js';
import { Mutation } from '../../src/message/index.js';
import { message, payloadOf } from './support/frame-protocol.js';
import { TestAttempt } from './support/test-attempt.js';

function start(handler: Handler, kind: 'request' | 'oneway' = 'request') {
  const local = new LocalHandler(handler);
  const attempt = new TestAttempt(message(kind, 'hello'));
  return { local, attempt, begin: () => attempt.start(local) };
}

function text(outcome: Outcome): string {
  if (outcome instanceof Failure) return outcome.message;
  return outcome.message === undefined ? 'written' : payloadOf(outcome.message);
}

const reply = (payload: string) => message('response', payload);

describe('LocalHandler', () => {
  const kinds: [string, Handler][] = [
    ['a message', (request) => reply(`${payloadOf(request)} you`)],
    ['a promise', async (request) => reply(`${payloadOf(request)} you`)],
    ['an Observable', (request) => of(reply(`${payloadOf(request)} you`), reply('not this'))],
  ];
  for (const [what, handler] of kinds) {
    test(`answers with ${what}`, async () => {
      const { attempt, begin, local } = start(handler);
      expect(text(await begin().done)).toBe('hello you');
      expect([attempt.settlements, attempt.testTarget.inflight, local.running]).toEqual([1, 0, 0]);
    });
  }

  const failures: [string, Handler, string][] = [
    [
      'throws',
      () => {
        throw new Error('defect');
      },
      'HANDLER_FAILED: defect',
    ],
    ['rejects', () => Promise.reject(new Error('later')), 'HANDLER_FAILED: later'],
    ['errors', () => new Observable((to) => to.error(new Error('rx'))), 'HANDLER_FAILED: rx'],
    ['completes without a reply', () => new Observable((to) => to.complete()), 'HANDLER_FAILED: no reply'],
    ['returns nothing', () => undefined, 'HANDLER_FAILED: no reply'],
    [
      'throws a Failure',
      () => {
        throw new Failure('DENIED');
      },
      new Failure('DENIED').message,
    ],
  ];
  for (const [what, handler, expected] of failures) {
    test(`a handler that ${what} fails the call`, async () => {
      const { attempt, begin } = start(handler);
      expect(text(await begin().done)).toBe(expected);
      expect([attempt.settlements, attempt.testTarget.inflight]).toEqual([1, 0]);
    });
  }

  test('a one-way request is written, and keeps its place until the handler is done', async () => {
    let finish!: () => void;
    const { attempt, begin } = start(
      () =>
        new Promise((resolve) => {
          finish = () => resolve(reply('x'));
        }),
      'oneway',
    );
    expect(text(await begin().done)).toBe('written');
    expect(attempt.testTarget.inflight).toBe(1);
    finish();
    await new Promise(setImmediate);
    expect([attempt.testTarget.inflight, attempt.settlements]).toEqual([0, 1]);
  });

  test('given up: an Observable is unsubscribed, a promise keeps its place until it is done', async () => {
    const observed = start(() => NEVER);
    observed.begin().end(new Failure('CANCELLED'));
    expect([observed.attempt.testTarget.inflight, observed.local.running]).toEqual([0, 0]);
    let finish!: () => void;
    const promised = start(
      () =>
        new Promise((resolve) => {
          finish = () => resolve(reply('late'));
        }),
    );
    promised.begin().end(new Failure('CANCELLED'));
    expect(promised.attempt.testTarget.inflight).toBe(1);
    finish();
    await new Promise(setImmediate);
    expect([promised.attempt.testTarget.inflight, promised.attempt.settlements]).toEqual([0, 1]);
  });

  test("sees what rules and interceptors set, in the call's async context", async () => {
    const storage = new AsyncLocalStorage<string>();
    const { attempt, begin } = start((_request, handled) =>
      reply(`${handled.get('Tenant')} ${handled.get('payload')} ${storage.getStore()}`),
    );
    attempt.pass.call.set('tenant', 'blue');
    attempt.mutation = Mutation.of([['payload', 'changed']]);
    attempt.pass.call.scope = storage.run('mine', () => new AsyncResource('call'));
    expect(text(await begin().done)).toBe('blue changed mine');
  });
});
