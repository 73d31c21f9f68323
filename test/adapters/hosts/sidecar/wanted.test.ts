import { expect, test } from '@jest/globals';
import {
  listenerInWords,
  undescribedInWords,
  undescribedServices,
  wantedListeners,
} from '../../../../adapters/hosts/sidecar/wanted.js';
import { parseConfig } from '../../../../adapters/node/index.js';
import type { DescribedService } from '../../../../src/index.js';

const service = (host: string, port: number, ...addresses: string[]): DescribedService => ({
  host,
  port,
  protocol: 'dubbo',
  addresses,
  governed: true,
});
/** What is listened to, in words. */
const wanted = (listeners: object, ...described: DescribedService[]) =>
  wantedListeners(parseConfig({ listeners }), described).map((it) => listenerInWords(it));

test('ports stand for services that rules describe, by host or by address', () => {
  const outbound = { ports: { 'a:1': 15_001, 'b:1': 15_002, '10.0.0.1:2': 15_003, 'a:2': 15_004 } };
  expect(wanted({ outbound }, service('a', 1), service('c', 2, '10.0.0.1'))).toEqual([
    'outbound 127.0.0.1:15001 for a:1',
    'outbound 127.0.0.1:15003 for 10.0.0.1:2',
  ]);
});

test('ports for services that no rule describes are found', () => {
  const config = parseConfig({ listeners: { outbound: { ports: { 'a:1': 0, 'a:2': 0, '10.0.0.1:2': 0 } } } });
  expect(undescribedServices(config, [service('a', 1), service('c', 2, '10.0.0.1')])).toEqual(['a:2']);
});

test('a service that was perhaps meant is named', () => {
  const described = [service('demo.example', 20_880), service('other.example', 20_880)];
  expect(undescribedInWords('demo.exmaple:20880', described)).toBe(
    'no rule describes demo.exmaple:20880: nothing listens for it until one does; did you mean demo.example:20880?',
  );
  expect(undescribedInWords('orders:1', described)).toMatch(/until one does$/);
});

test('vip: their own addresses, each once, but none that is a name, a range or unspecified', () => {
  const described = [
    service('a', 1, '240.240.0.1', 'fd00::1'),
    service('b', 1, '240.240.0.1'),
    service('c', 1, '10.0.0.0/24', 'c.local', '0.0.0.0', '::'),
    { ...service('d', 1, '240.240.0.4'), governed: false },
  ];
  expect(wanted({ outbound: { vip: true } }, ...described)).toEqual([
    'outbound 240.240.0.1:1 for 240.240.0.1:1',
    'outbound [fd00::1]:1 for fd00::1:1',
  ]);
  expect(wanted({}, ...described)).toEqual([]);
});

test('inbound listeners are wanted whatever the rules say', () => {
  const inbound = [{ port: 20_880, forward: { port: 20_881 } }];
  expect(wanted({ inbound })).toEqual(['inbound 0.0.0.0:20880 to 127.0.0.1:20881']);
});
