import { expect, test } from '@jest/globals';
import { Failure, Reply } from '../../src/call/index.js';
import { ScriptedUpstream } from '../../src/testing/index.js';
import { message } from './support/frame-protocol.js';
import { TestAttempt } from './support/test-attempt.js';

const attempt = (kind: 'request' | 'oneway' = 'request') => new TestAttempt(message(kind, 'x'));

test('ScriptedUpstream: by a script, or one by one; each settled once, its place freed once', async () => {
  const reply = message('response', 'y');
  const scripted = new ScriptedUpstream((arrival) => arrival.reply(reply));
  expect(await attempt().start(scripted).done).toEqual(new Reply(reply));

  const upstream = new ScriptedUpstream();
  const [a, b, c] = [attempt(), attempt(), attempt('oneway')];
  for (const each of [a, b, c]) each.start(upstream);
  expect([upstream.outstanding, c.settled]).toEqual([2, true]);
  a.end(new Failure('CANCELLED'));
  const first = upstream.next();
  expect([first.attempt, first.abandoned, a.testTarget.inflight]).toEqual([a, true, 1]);
  first.reply(reply);
  first.reply(reply);
  upstream.next().fail();
  expect((b.outcome as Failure).code).toBe('CONNECTION_LOST');
  expect([a, b, c].map((each) => [each.settlements, each.testTarget.inflight])).toEqual([
    [1, 0],
    [1, 0],
    [1, 0],
  ]);
  expect(() => upstream.next()).toThrow('no request arrived');

  upstream.refusal = new Failure('CONNECT_FAILED');
  expect(await attempt().start(upstream).done).toBe(upstream.refusal);
});
