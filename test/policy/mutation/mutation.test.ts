import { expect, test } from '@jest/globals';
import { Reply, WRITTEN } from '../../../src/call/index.js';
import { Mutation } from '../../../src/message/index.js';
import { attemptMutation, withMutation } from '../../../src/policy/mutation/index.js';
import { call, FakeAttempt, FakePass, message, PROTOCOL } from '../support.js';

test('the stamp wins over the rules, and the rules over interceptors', () => {
  const stamped = { ...PROTOCOL, stamp: () => new Mutation().set('c', 'stamp') };
  const attempt = new FakeAttempt(new FakePass(call(message(), stamped)));
  attempt.pass.call.set('a', 'interceptor');
  attempt.pass.call.set('b', 'interceptor');
  attempt.pass.call.set('c', 'interceptor');
  const rules = Mutation.of([
    ['b', 'rule'],
    ['c', 'rule'],
  ]);
  expect([...attemptMutation(attempt, rules)!.entries()]).toEqual([
    ['a', 'interceptor'],
    ['b', 'rule'],
    ['c', 'stamp'],
  ]);
});

test('what rules set changes the bytes sent and not what the route sees', () => {
  const attempt = new FakeAttempt(new FakePass(call(message({ version: 'v1' }))));
  attemptMutation(attempt, Mutation.of([['version', 'v2']]));
  expect(attempt.pass.call.get('version')).toBe('v1');
  expect(attempt.pass.call.mutation).toBeUndefined();
});

test('where only the rules have a say, nothing is made', () => {
  const rules = Mutation.of([['a', '1']]);
  expect(attemptMutation(new FakeAttempt(), rules)).toBe(rules);
  expect(attemptMutation(new FakeAttempt(), undefined)).toBeUndefined();
});

test('a reply gets the rules over what interceptors set of it, and stays what it was itself', () => {
  const before = new Reply(message({ a: 'wire', b: 'wire' }, 'response'), 'business', new Mutation().set('a', 'mine'));
  const after = withMutation(before, new Mutation().set('a', 'rule'));
  expect([after.get('a'), after.get('b'), after.status]).toEqual(['rule', 'wire', 'business']);
  expect(before.get('a')).toBe('mine');
});

test('a one-way call has no reply to change', () => {
  expect(withMutation(WRITTEN, new Mutation().set('a', '1'))).toBe(WRITTEN);
});
