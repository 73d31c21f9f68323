import dgram from 'node:dgram';
import dns from 'node:dns';
import { once } from 'node:events';
import net from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { nodeLookup } from '../../../../adapters/hosts/register/node-functions.js';
import { namesMeant, searchDomainsOf } from '../../../../adapters/hosts/register/search-domains.js';
import { VirtualAddresses } from '../../../../adapters/hosts/register/virtual-addresses.js';
import { FrameClient } from '../../../mesh/frame-client.js';
import { type Governed, governed } from './support/governed.js';

describe('dns.lookup of a host of the mesh', () => {
  let world: Governed;
  beforeAll(async () => {
    world = await governed();
  });
  afterAll(() => world.close());

  const ADDRESS = expect.stringMatching(/^240\.240\.\d+\.\d+$/);
  /** What a callback gets, in a turn of its own. */
  const called = (...args: unknown[]) =>
    new Promise<unknown[]>((resolve) => {
      let returned = false;
      (dns.lookup as (...args: unknown[]) => void)(...args, (...got: unknown[]) => resolve([returned, ...got]));
      returned = true;
    });

  test.each<[string, unknown[], unknown[]]>([
    ['(name)', [], [true, null, ADDRESS, 4]],
    ['(name, family)', [4], [true, null, ADDRESS, 4]],
    ['(name, options)', [{ family: 0, verbatim: true }], [true, null, ADDRESS, 4]],
    ['(name, { family: "IPv4" })', [{ family: 'IPv4', hints: dns.ADDRCONFIG }], [true, null, ADDRESS, 4]],
    ['(name, { all })', [{ all: true }], [true, null, [{ address: ADDRESS, family: 4 }]]],
    [
      'of IPv6',
      [6],
      [true, expect.objectContaining({ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'demo.test' })],
    ],
  ])('callback: %s', async (_name, args, expected) => {
    expect(await called('demo.test', ...args)).toEqual(expected);
  });

  test('promises, and util.promisify, as of any host', async () => {
    expect(await dns.promises.lookup('demo.test')).toEqual({ address: ADDRESS, family: 4 });
    expect(await dns.promises.lookup('demo.test', { all: true })).toEqual([{ address: ADDRESS, family: 4 }]);
    await expect(dns.promises.lookup('demo.test', 6)).rejects.toMatchObject({ code: 'ENOTFOUND', errno: -3008 });
    expect(await promisify(dns.lookup)('demo.test')).toEqual({ address: ADDRESS, family: 4 });
  });

  test('addresses of the rules come before ours; a short name is the whole one', async () => {
    expect(await dns.promises.lookup('virtual.test')).toEqual({ address: '10.7.7.7', family: 4 });
    expect(await dns.promises.lookup('demo')).toEqual(await dns.promises.lookup('demo.shop.svc.test'));
  });

  test('a client that resolves first is governed', async () => {
    const { address } = await dns.promises.lookup('demo.test');
    const client = new FrameClient(net.connect(9000, address));
    expect(await client.call('hello')).toBe('hello');
    client.stream.destroy();
  });

  test.each<[string, () => dgram.Socket]>([
    ['of a type', () => dgram.createSocket('udp4')],
    ['of options', () => dgram.createSocket({ type: 'udp4', reuseAddr: true })],
    ['with a lookup of its own', () => dgram.createSocket({ type: 'udp4', lookup: nodeLookup })],
  ])('UDP finds the real host: a socket %s', async (_name, make) => {
    expect(await dns.promises.lookup('localhost')).toEqual({ address: ADDRESS, family: 4 });
    const receiver = dgram.createSocket('udp4').bind(0, 'localhost');
    await once(receiver, 'listening');
    const sender = make();
    sender.send('told', receiver.address().port, 'localhost');
    expect(String((await once(receiver, 'message'))[0])).toBe('told');
    sender.close();
    receiver.close();
  });

  test('mistakes with UDP are Node’s to refuse', () => {
    for (const wrong of [undefined, null, 'tcp', {}, { type: 'udp4', lookup: 5 }]) {
      expect(() => dgram.createSocket(wrong as never)).toThrow(/ERR_|type|lookup/);
    }
  });

  test('mistakes are Node’s to refuse, other names Node’s to find', async () => {
    const mistakes = [['demo.test', { family: 5 }], ['demo.test', { all: 'x' }], ['demo.test', 'x'], [5]];
    const lookup = dns.lookup as (...args: unknown[]) => void;
    for (const args of mistakes) expect(() => lookup(...args, () => {})).toThrow(/ERR_INVALID|must be|invalid/);
    expect(() => lookup('demo.test')).toThrow(/callback/);
    expect(await dns.promises.lookup('127.0.0.1')).toEqual({ address: '127.0.0.1', family: 4 });
  });
});

describe('virtual addresses', () => {
  test('are the same in each process and run', () => {
    expect(['demo.test', 'a.b.c'].map((name) => new VirtualAddresses().of(name))).toEqual([
      '240.240.132.125',
      '240.240.247.126',
    ]);
  });

  test('each name has one of its own, and is found again by it', () => {
    const addresses = new VirtualAddresses();
    const names = Array.from({ length: 3_000 }, (_, i) => `service-${i}.test`);
    const given = names.map((name) => addresses.of(name)!);
    expect(new Set(given).size).toBe(names.length);
    expect(given.every((address) => net.isIPv4(address) && address.startsWith('240.240.'))).toBe(true);
    expect(given.map((address) => addresses.nameOf(address))).toEqual(names);
    expect(names.map((name) => addresses.of(name))).toEqual(given);
    expect([addresses.nameOf('240.240.255.255'), addresses.nameOf('10.0.0.1')]).toEqual([undefined, undefined]);
  });

  test('there are 65,534', () => {
    const addresses = new VirtualAddresses();
    for (let i = 0; i < 65_534; i++) addresses.of(`${i}`);
    expect([addresses.of('one more'), addresses.of('0') === undefined]).toEqual([undefined, false]);
  });
});

describe('search domains', () => {
  const pod = 'nameserver 10.0.0.10\nsearch a.svc.x svc.x\noptions ndots:5 timeout:1\n';

  test('are those of resolv.conf', () => {
    expect(searchDomainsOf(pod)).toEqual({ domains: ['a.svc.x', 'svc.x'], dots: 5 });
    expect(searchDomainsOf('domain lan\n# search no\nsearch b\noptions ndots:99')).toEqual({
      domains: ['b'],
      dots: 15,
    });
    expect(searchDomainsOf('')).toEqual({ domains: [], dots: 1 });
  });

  test.each<[string, number, string[]]>([
    ['demo', 1, ['demo.a', 'demo.b']],
    ['demo.x', 1, []],
    ['demo.x', 2, ['demo.x.a', 'demo.x.b']],
    ['Demo', 1, ['demo', 'demo.a', 'demo.b']],
    ['demo.', 5, ['demo']],
  ])('complete %s with %d dots', (name, dots, expected) => {
    expect([...namesMeant(name, { domains: ['a', 'b'], dots })]).toEqual(expected);
  });
});
