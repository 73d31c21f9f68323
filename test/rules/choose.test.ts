import { describe, expect, test } from '@jest/globals';
import { Chooser, choose } from '../../src/rules/index.js';
import { service } from './rules.js';

const old = service('old', { serviceKey: 'I.A' });
const young = service('young', { serviceKey: 'I.A', createdAt: 5 });
const other = service('i-b', { serviceKey: 'I.B', createdAt: 6 });
const plain = service('i-c', { createdAt: 7 });

describe('which service a message is for', () => {
  test('is nobody without candidates, and the only one whatever its key', () => {
    expect(choose([])).toBeUndefined();
    expect(choose([other], ['I.X'])).toEqual({ service: other, tied: [] });
  });

  test('goes by the key that a service was given', () => {
    expect(choose([old, other, plain], ['I.B'])).toEqual({ service: other, tied: [] });
  });

  test('else by the host that the registry would give the key', () => {
    expect(choose([old, other, plain], ['I.C', 'i-c'])).toEqual({ service: plain, tied: [] });
    const claimed = service('x', { serviceKey: 'I.C', createdAt: 9 });
    expect(choose([old, plain, claimed], ['I.C', 'i-c'])?.service).toBe(claimed);
  });

  test('among several that were given the key, goes to the one whose host is a key too', () => {
    const green = service('i.a-green-1-0-0', { serviceKey: 'I.A', createdAt: 2 });
    expect(choose([old, green, young], ['i.a-green-1-0-0', 'I.A'])).toEqual({ service: green, tied: [] });
    expect(choose([old, green, young], ['i.a-blue', 'I.A'])).toEqual({ service: old, tied: [green, young] });
  });

  test('goes by the most exact key first, of those it was given as of hosts', () => {
    const exact = service('i.a-green', { serviceKey: 'I.A', createdAt: 9 });
    const loose = service('I.A', { serviceKey: 'I.A', createdAt: 1 });
    expect(choose([loose, exact], ['i.a-green', 'I.A'])).toEqual({ service: exact, tied: [] });
    const chooser = new Chooser([service('i.b', { createdAt: 1 }), service('i.b-blue', { createdAt: 2 })]);
    expect(chooser.choose(['i.b-blue', 'i.b'])?.service.host).toBe('i.b-blue');
    expect(chooser.choose(['i.b-red', 'i.b'])?.service.host).toBe('i.b');
  });

  test('else is a service that was given no key', () => {
    expect(choose([old, plain], ['I.X'])?.service).toBe(plain);
    expect(choose([old, plain])?.service).toBe(plain);
  });

  test('is the oldest of several that fit as well, and the others are reported', () => {
    expect(choose([old, young, plain], ['I.A'])).toEqual({ service: old, tied: [young] });
    expect(choose([old, young, other])).toEqual({ service: old, tied: [young, other] });
  });

  test("is nobody's if all were given other keys", () => {
    expect(choose([old, young, other], ['I.X'])).toBeUndefined();
    expect(choose([old, young, plain], ['I.X'])).toMatchObject({ service: plain });
  });
});
