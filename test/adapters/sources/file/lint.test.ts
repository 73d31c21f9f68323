import { describe, expect, test } from '@jest/globals';
import { findings, metaRouter, serviceEntry } from './support.js';

const hashed = (host: string, rest = '', key = 'user') => `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${host.replaceAll('.', '-')}, namespace: demo }
spec: { host: ${host}, trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: ${key} } } }${rest} }`;

const subsets = ', subsets: [{ name: v1, labels: { version: v1 } }]';
const to = (destination: string, more = '') => `  routes: [{ route: [{ destination: { ${destination} } }]${more} }]`;
const both = serviceEntry('a.demo') + serviceEntry('b.demo');

describe("the defects of Aeraki's control plane that are mirrored are warned of", () => {
  test('7: a subset does not inherit the hash key', () => {
    const text =
      serviceEntry('a.demo') + hashed('a.demo', subsets) + metaRouter('a.demo', to('host: a.demo, subset: v1'));
    expect(findings(text)).toEqual([
      expect.stringMatching(
        /warning spec\.routes\[0\]\.route\[0\]\.destination: calls are not hashed by user: subsets do not inherit/,
      ),
    ]);
    expect(findings(serviceEntry('a.demo') + hashed('a.demo') + metaRouter('a.demo', to('host: a.demo')))).toEqual([]);
  });

  test("8: the hash key is that of the routed service, not the destination's", () => {
    const route = metaRouter('a.demo', to('host: b.demo'));
    expect(findings(both + hashed('b.demo') + route)).toEqual([
      expect.stringContaining(
        'calls are not hashed, though b.demo asks for user: the DestinationRule of a.demo decides',
      ),
    ]);
    expect(findings(both + hashed('a.demo', '', 'mine') + hashed('b.demo') + route)).toEqual([
      expect.stringContaining('calls are hashed by mine, though b.demo asks for user'),
    ]);
    expect(findings(both + hashed('a.demo') + hashed('b.demo') + route)).toEqual([]);
  });

  test('9: an attribute without a condition widens the match', () => {
    const route = to('host: a.demo', ', match: { attributes: { method: {}, kept: { exact: x } } }');
    expect(findings(serviceEntry('a.demo') + metaRouter('a.demo', route))).toEqual([
      expect.stringMatching(/warning spec\.routes\[0\]\.match\.attributes\.method: has no condition and is dropped/),
    ]);
  });

  test('10: exportTo is ignored', () => {
    const text = serviceEntry('a.demo') + metaRouter('a.demo', `${to('host: a.demo')}\n  exportTo: ["."]`);
    expect(findings(text)).toEqual([
      expect.stringContaining('warning spec.exportTo: is ignored where routes are concerned'),
    ]);
  });
});

describe('names that lead nowhere are warned of', () => {
  test.each([
    ['a subset nobody defines', 'host: a.demo, subset: v9', 'no DestinationRule gives a.demo the subset v9'],
    ['a host nobody describes', 'host: c.demo', 'no ServiceEntry or Service describes c.demo:20880'],
    ['a port nobody describes', 'host: a.demo, port: { number: 1 }', 'no ServiceEntry or Service describes a.demo:1'],
  ])('%s', (_, destination, message) => {
    expect(findings(serviceEntry('a.demo') + metaRouter('a.demo', to(destination)))).toEqual([
      expect.stringContaining(`warning spec.routes[0].route[0].destination: ${message}`),
    ]);
    const mirror = to('host: a.demo', `, mirror: { ${destination} }`);
    expect(findings(serviceEntry('a.demo') + metaRouter('a.demo', mirror))).toEqual([
      expect.stringContaining(`warning spec.routes[0].mirror: ${message}`),
    ]);
  });

  test('the host of a MetaRouter, with the right one if it is near', () => {
    const entry = serviceEntry('shop.demo.svc.cluster.local');
    expect(findings(entry + metaRouter('shop', to('host: shop.demo.svc.cluster.local')))).toEqual([
      expect.stringContaining(
        'no metaprotocol port of these rules has the host shop; write shop.demo.svc.cluster.local',
      ),
    ]);
    const plain = serviceEntry('a.demo').replace('tcp-metaprotocol-dubbo', 'http');
    expect(findings(plain + metaRouter('a.demo', to('host: a.demo')))).toEqual([
      expect.stringContaining('has the host a.demo; hosts are compared letter by letter'),
    ]);
  });

  test('the host of a DestinationRule', () => {
    expect(findings(hashed('nobody.demo'))).toEqual([
      expect.stringContaining('no host of these rules is called nobody.demo'),
    ]);
  });
});

test('routes after one that matches everything are never reached', () => {
  const open = '{ route: [{ destination: { host: a.demo } }] }';
  expect(findings(serviceEntry('a.demo') + metaRouter('a.demo', `  routes: [${open}, ${open}]`))).toEqual([
    expect.stringMatching(/spec\.routes\[0\]: matches everything/),
  ]);
});

test('of several MetaRouters for a host the first written counts, and the other is told', () => {
  const [one, two] = ['one', 'two'].map((name) =>
    metaRouter('a.demo', to('host: a.demo')).replace('name: a-demo', `name: ${name}`),
  );
  expect(findings(serviceEntry('a.demo') + one + two)).toEqual([
    expect.stringContaining(
      'has no effect on a.demo: MetaRouter demo/one counts, as the oldest, then the first written',
    ),
  ]);
});

test('a finding about routes is told once, however many ports share them', () => {
  const entry = serviceEntry('a.demo').replace('ports: [', 'ports: [{ number: 1, name: tcp-metaprotocol-thrift }, ');
  expect(findings(entry + metaRouter('a.demo', to('host: c.demo, port: { number: 5 }')))).toHaveLength(1);
});
