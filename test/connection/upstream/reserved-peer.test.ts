import { expect, test } from '@jest/globals';
import type { Attempt, Connection } from '../../../src/call/index.js';
import type { Peer } from '../../../src/cluster/index.js';
import { Peers, type PeerWish } from '../../../src/connection/index.js';
import { ReservedPeer } from '../../../src/connection/upstream/reserved-peer.js';
import { ManualRuntime } from '../../../src/testing/index.js';
import { frameProtocol } from '../support/frame-protocol.js';

const protocol = frameProtocol();
const CONNECTION: Connection = { send() {}, abandon() {} };

function start() {
  const wishes: PeerWish[] = [];
  const log: string[] = [];
  const peer: Peer = {
    ready: true,
    draining: true,
    checkout: () => {
      log.push('checkout');
      return CONNECTION;
    },
    withdraw: () => void log.push('withdraw'),
    release: () => void log.push('release'),
  };
  const acquire = (wish: PeerWish) => {
    wishes.push(wish);
    return peer;
  };
  return { wishes, log, reserved: new ReservedPeer({ acquire }, '10.0.0.1', 80, { protocol, maxConnections: 3 }) };
}

const attempt = {} as Attempt;

test('a reserved peer is made by its first call, once, and let go', () => {
  const { wishes, log, reserved } = start();
  expect([reserved.ready, reserved.draining]).toEqual([false, false]);
  expect(wishes).toEqual([]);
  expect(reserved.checkout(attempt)).toBe(CONNECTION);
  expect(reserved.checkout(attempt)).toBe(CONNECTION);
  expect(wishes).toEqual([{ address: { host: '10.0.0.1', port: 80 }, protocol, maxConnections: 3 }]);
  expect([reserved.ready, reserved.draining]).toEqual([true, true]);
  reserved.withdraw(attempt);
  reserved.release();
  expect(log).toEqual(['checkout', 'checkout', 'withdraw', 'release']);
});

test('a reserved peer that nobody called has nothing to let go', () => {
  const { wishes, log, reserved } = start();
  reserved.withdraw(attempt);
  reserved.release();
  expect([wishes, log]).toEqual([[], []]);
});

test('peers that others have are held at once: they stay connected for who comes after', () => {
  const peers = new Peers({ runtime: new ManualRuntime() });
  const terms = { protocol };
  expect(peers.reserve('10.0.0.1', 80, terms)).toBeInstanceOf(ReservedPeer);
  expect([...peers]).toEqual([]);
  const first = peers.acquire({ address: { host: '10.0.0.1', port: 80 }, protocol });
  const second = peers.reserve('10.0.0.1', 80, terms);
  expect(second).toBe(first);
  expect(peers.reserve('10.0.0.1', 81, terms)).toBeInstanceOf(ReservedPeer);
  first.release();
  expect([...peers]).toEqual([second]);
});
