import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ByIdOrTurn } from '../../../src/connection/upstream/by-id-or-turn.js';
import { type Correlation, idBefore, Tombstone } from '../../../src/connection/upstream/correlation.js';
import { Exclusive } from '../../../src/connection/upstream/exclusive.js';
import { Multiplexed } from '../../../src/connection/upstream/multiplexed.js';
import { Pipelined } from '../../../src/connection/upstream/pipelined.js';
import { message } from '../support/frame-protocol.js';
import { TestAttempt } from '../support/test-attempt.js';

const attempt = () => new TestAttempt(message('request', 'x'));
const reply = (idLow: number, idHigh = 0) => message('response', 'y', idLow, idHigh);

describe.each([
  ['Multiplexed', Multiplexed],
  ['ByIdOrTurn', ByIdOrTurn],
])('%s', (_name, Kind) => {
  test('finds each reply, in any order, against a plain map', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('add', 'take', 'bury', 'oneway'), fc.nat()), { maxLength: 400 }),
        (steps) => {
          const calls = new Kind();
          const model = new Map<number, TestAttempt | Tombstone>();
          for (const [step, choice] of steps) {
            const ids = [...model.keys()];
            const id = ids[choice % ids.length];
            if (step === 'add') {
              const added = attempt();
              calls.add(added);
              expect(model.has(added.idLow)).toBe(false);
              model.set(added.idLow, added);
            } else if (step === 'oneway') {
              const added = attempt();
              calls.addOneway(added);
              expect(model.has(added.idLow)).toBe(false);
            } else if (id !== undefined && step === 'take') {
              expect(calls.take(reply(id))).toBe(model.get(id));
              model.delete(id);
              expect(calls.take(reply(id))).toBeUndefined();
            } else if (id !== undefined) {
              const buried = model.get(id)!;
              if (buried instanceof Tombstone) continue;
              const tombstone = calls.bury(buried, 0)!;
              expect(calls.bury(buried, 0)).toBeUndefined();
              model.set(id, tombstone);
            }
            expect(calls.outstanding).toBe(model.size);
            expect(calls.live).toBe([...model.values()].filter((entry) => !(entry instanceof Tombstone)).length);
          }
          const left: unknown[] = [];
          calls.clear((entry) => left.push(entry));
          expect(new Set(left)).toEqual(new Set(model.values()));
        },
      ),
    );
  });
});

describe('ByIdOrTurn', () => {
  test('a reply without an id is that of the oldest, whether anybody waits for it or not', () => {
    const calls = new ByIdOrTurn();
    const [a, b, c] = [attempt(), attempt(), attempt()];
    for (const each of [a, b, c]) calls.add(each);
    const tombstone = calls.bury(a, 0);
    expect(calls.take(reply(b.idLow))).toBe(b);
    expect([calls.take(reply(0)), calls.take(reply(0)), calls.take(reply(0))]).toEqual([tombstone, c, undefined]);
    expect([calls.outstanding, calls.live]).toEqual([0, 0]);
  });

  test('another id is of nobody, and so are high bits', () => {
    const calls = new ByIdOrTurn();
    const only = attempt();
    calls.add(only);
    expect([calls.take(reply(7)), calls.take(reply(only.idLow, 1)), calls.take(reply(0, 1))]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(calls.take(reply(only.idLow))).toBe(only);
  });
});

describe('Multiplexed', () => {
  test('an id of another generation of the slot, or with high bits, is unknown', () => {
    const calls = new Multiplexed();
    const first = attempt();
    calls.add(first);
    expect(calls.take(reply(first.idLow + 16))).toBeUndefined();
    expect(calls.take(reply(first.idLow, 1))).toBeUndefined();
    expect(calls.take(reply(-1))).toBeUndefined();
    expect(calls.take(reply(first.idLow))).toBe(first);
  });

  test('grows while many are outstanding, an old one among them', () => {
    const calls = new Multiplexed();
    const old = attempt();
    calls.add(old);
    const many = Array.from({ length: 5000 }, attempt);
    for (const each of many) calls.add(each);
    for (const each of many.reverse()) expect(calls.take(reply(each.idLow))).toBe(each);
    expect(calls.take(reply(old.idLow))).toBe(old);
  });

  test('blames bad bytes only on a call that is alone', () => {
    const calls = new Multiplexed();
    const [a, b] = [attempt(), attempt()];
    calls.add(a);
    expect(calls.culprit).toBe(a);
    calls.add(b);
    expect(calls.culprit).toBeUndefined();
  });
});

describe('Pipelined', () => {
  test('replies belong to the oldest, tombstones keep their place', () => {
    const calls = new Pipelined();
    const all = Array.from({ length: 600 }, attempt);
    for (const each of all) calls.add(each);
    const oneway = attempt();
    calls.addOneway(oneway);
    const buried = calls.bury(all[400]!, 0);
    expect(calls.live).toBe(599);
    for (const each of all) expect(calls.take(reply(0))).toBe(each === all[400] ? buried : each);
    expect(calls.take(reply(0))).toBeUndefined();
    expect([calls.outstanding, calls.live]).toEqual([0, 0]);
  });

  test("a reply with another's id is nobody's", () => {
    const calls = new Pipelined();
    const [a, b] = [attempt(), attempt()];
    calls.add(a);
    calls.add(b);
    expect(calls.take(reply(b.idLow))).toBeUndefined();
    expect(calls.take(reply(a.idLow))).toBe(a);
  });

  test('undo leaves no gap', () => {
    const calls = new Pipelined();
    const [a, b, c] = [attempt(), attempt(), attempt()];
    calls.add(a);
    calls.add(b);
    calls.undo(b);
    calls.add(c);
    expect(calls.bury(b, 0)).toBeUndefined();
    expect(calls.bury(c, 0)).toBeInstanceOf(Tombstone);
  });
});

test('Exclusive: one, whose reply is told from one that comes twice', () => {
  const calls: Correlation = new Exclusive();
  const [a, b] = [attempt(), attempt()];
  calls.add(a);
  expect(calls.take(reply(a.idLow))).toBe(a);
  calls.add(b);
  expect(calls.take(reply(a.idLow))).toBeUndefined();
  const buried = calls.bury(b, 0);
  expect([calls.outstanding, calls.live]).toEqual([1, 0]);
  expect(calls.take(reply(b.idLow))).toBe(buried);
});

test('idBefore holds across the wrap', () => {
  expect(idBefore(5, 6)).toBe(true);
  expect(idBefore(6, 6)).toBe(false);
  expect(idBefore(7, 6)).toBe(false);
  expect(idBefore(0x7fffffff, 3)).toBe(true);
  expect(idBefore(3, 0x7fffffff)).toBe(false);
});
