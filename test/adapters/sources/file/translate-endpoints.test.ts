import { describe, expect, test } from '@jest/globals';
import { rulesOf } from './support.js';

const entry = (spec: string, metadata = '') => `
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a, namespace: demo${metadata} }
spec: { hosts: [a.demo, other.demo], ports: [{ number: 20880, name: tcp-metaprotocol-dubbo, targetPort: 1 }], ${spec} }`;

const workload = (name: string, spec: string, metadata = '') => `
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: ${name}, namespace: demo${metadata} }
spec: { ${spec} }`;

const service = (spec: string) => `
---
apiVersion: v1
kind: Service
metadata: { name: shop, namespace: demo }
spec: { ${spec} }`;

const slice = (name: string, labels: string, rest: string) => `
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, namespace: demo, labels: { ${labels} } }
addressType: IPv4
${rest}`;

const endpoints = (key: string, ...texts: string[]) =>
  rulesOf(...texts)
    .endpointsOf(key)
    .endpoints.map((each) => `${each.address}:${each.port}`);

describe('a ServiceEntry', () => {
  test('its inline endpoints, with their labels, weights, localities and ports', () => {
    const text = entry(
      'resolution: STATIC, endpoints: [{ address: 10.0.0.1, labels: { version: v1 }, weight: 3, locality: r/z }, { address: 10.0.0.2, ports: { tcp-metaprotocol-dubbo: 2 } }, { address: 10.0.0.1 }]',
    );
    expect(rulesOf(text).endpoints).toEqual([
      {
        key: 'a.demo_20880',
        endpoints: [
          {
            address: '10.0.0.1',
            port: 1,
            labels: { version: 'v1' },
            weight: 3,
            locality: 'r/z',
            priority: 0,
            tlsMode: undefined,
          },
          { address: '10.0.0.2', port: 2, labels: {}, weight: 1, locality: '', priority: 0, tlsMode: undefined },
        ],
        from: { source: 'file', origin: 'a.yaml:6 ServiceEntry demo/a' },
      },
    ]);
  });

  test('the WorkloadEntries of its namespace that have the labels of its selector', () => {
    const text = [
      entry('resolution: STATIC, workloadSelector: { labels: { app: shop } }'),
      workload('in-spec', 'address: 10.0.0.1, labels: { app: shop, version: v1 }'),
      workload('in-metadata', 'address: 10.0.0.2, labels: { app: old }', ', labels: { app: shop }'),
      workload('other-app', 'address: 10.0.0.3, labels: { app: other }'),
      workload('elsewhere', 'address: 10.0.0.4, labels: { app: shop }').replace('namespace: demo', 'namespace: other'),
      workload('own-port', 'address: 10.0.0.5, ports: { tcp-metaprotocol-dubbo: 5 }, labels: { app: shop }'),
    ].join('');
    expect(endpoints('a.demo_20880', text)).toEqual(['10.0.0.1:1', '10.0.0.2:1', '10.0.0.5:5']);
  });

  test('an empty selector selects nothing', () => {
    const text = entry('resolution: STATIC, workloadSelector: { labels: {} }') + workload('w', 'address: 10.0.0.1');
    expect(endpoints('a.demo_20880', text)).toEqual([]);
  });

  test('DNS without endpoints: the host itself; NONE: nobody, the caller has the address', () => {
    expect(endpoints('a.demo_20880', entry('resolution: DNS'))).toEqual(['a.demo:1']);
    expect(endpoints('a.demo_20880', entry('resolution: NONE'))).toEqual([]);
    expect(rulesOf(entry('resolution: NONE')).service('a.demo_20880').resolution).toBe('NONE');
    expect(rulesOf(entry('resolution: NONE')).clusters[0]?.balancer).toEqual({ kind: 'original-destination' });
  });

  test('unix sockets and address ranges are left out and told', () => {
    const rules = rulesOf(
      entry(
        'resolution: STATIC, addresses: [240.240.0.1, 10.0.0.0/8, 10.1.1.1/32], endpoints: [{ address: "unix:///x" }]',
      ),
    );
    expect(rules.endpoints[0]!.endpoints).toEqual([]);
    expect(rules.services[0]!.addresses).toEqual(['240.240.0.1', '10.1.1.1']);
    expect(rules.problems.map((each) => each.field)).toEqual(
      expect.arrayContaining(['spec.endpoints[0]', 'spec.addresses[1]', 'spec.hosts[1]']),
    );
  });

  test.each([
    ['workloadSelector: { labels: { app: shop } }', '', { app: 'shop' }],
    ['', ', annotations: { workloadSelector: " shop " }', { app: 'shop' }],
    ['', ', annotations: { workloadSelector: "team: red" }', { team: 'red' }],
    ['workloadSelector: { labels: { app: shop } }', ', annotations: { workloadSelector: x }', { app: 'shop' }],
  ])('who serves it: %s%s', (spec, metadata, labels) => {
    const rule = rulesOf(entry(spec, metadata)).service('a.demo_20880');
    expect(rule.workload).toEqual({ namespace: 'demo', labels, port: 1 });
  });

  test('nobody is said to serve it without selector and annotation', () => {
    expect(rulesOf(entry('')).service('a.demo_20880').workload).toBeUndefined();
  });

  test('the interface annotation is its service key', () => {
    const rule = rulesOf(entry('', ', annotations: { interface: org.Demo }')).service('a.demo_20880');
    expect(rule.serviceKey).toBe('org.Demo');
  });
});

describe('a Service', () => {
  const ports = 'ports: [{ name: tcp-metaprotocol-dubbo, port: 20880, targetPort: dubbo }]';
  const key = 'shop.demo.svc.cluster.local_20880';

  test('its EndpointSlices, by port name, without those that are not ready', () => {
    const text = [
      service(`selector: { app: shop }, clusterIP: 10.96.0.7, ${ports}`),
      slice(
        'one',
        'kubernetes.io/service-name: shop, version: v1',
        'endpoints: [{ addresses: [10.0.0.1, 10.0.0.2], zone: z1 }, { addresses: [10.0.0.3], conditions: { ready: false } }]\nports: [{ name: tcp-metaprotocol-dubbo, port: 7 }, { name: http, port: 80 }]',
      ),
      slice(
        'two',
        'kubernetes.io/service-name: other',
        'endpoints: [{ addresses: [10.0.0.4] }]\nports: [{ name: tcp-metaprotocol-dubbo, port: 7 }]',
      ),
    ].join('');
    const rules = rulesOf(text);
    expect(endpoints(key, text)).toEqual(['10.0.0.1:7', '10.0.0.2:7']);
    expect(rules.endpointsOf(key).endpoints[0]).toMatchObject({
      labels: { app: 'shop', version: 'v1' },
      locality: '/z1',
    });
    expect(rules.service(key)).toMatchObject({
      addresses: ['10.96.0.7'],
      protocol: 'dubbo',
      resolution: 'STATIC',
      workload: { namespace: 'demo', labels: { app: 'shop' } },
    });
  });

  test('a ServiceEntry picks addresses of slices by their labels, as it picks pods', () => {
    const text = [
      service(`selector: { app: shop }, ${ports}`),
      slice(
        'one',
        'kubernetes.io/service-name: shop, version: v1',
        'endpoints: [{ addresses: [10.0.0.1] }]\nports: [{ name: p, port: 7 }]',
      ),
      slice(
        'two',
        'kubernetes.io/service-name: shop, version: v2',
        'endpoints: [{ addresses: [10.0.0.2] }]\nports: [{ name: p, port: 7 }]',
      ),
      entry('resolution: STATIC, workloadSelector: { labels: { app: shop, version: v2 } }'),
    ].join('');
    expect(endpoints('a.demo_20880', text)).toEqual(['10.0.0.2:1']);
  });

  test('a WorkloadEntry that it selects, by the name of the target port', () => {
    const text =
      service(`selector: { app: shop }, ${ports}`) +
      workload('w', 'address: 10.0.0.9, ports: { dubbo: 9 }, labels: { app: shop }');
    expect(endpoints(key, text)).toEqual(['10.0.0.9:9']);
  });

  test('headless: the client has chosen; external: a name; UDP: not ours', () => {
    const headless = rulesOf(service(`clusterIP: None, ${ports}`)).service(key);
    expect([headless.resolution, headless.addresses]).toEqual(['NONE', []]);
    const external = service('type: ExternalName, externalName: example.org, ports: [{ port: 20880 }]');
    expect(endpoints(key, external)).toEqual(['example.org:20880']);
    const udp = rulesOf(service('ports: [{ port: 53, protocol: UDP }]'));
    expect([udp.services, udp.problems[0]!.field]).toEqual([[], 'spec.ports[0].protocol']);
  });

  test('a slice without the label of its Service is told', () => {
    expect(rulesOf(slice('x', '', 'endpoints: []')).problems.map((each) => each.message)).toEqual([
      'belongs to no Service: the label kubernetes.io/service-name is missing',
    ]);
  });
});

describe('mTLS that endpoints want', () => {
  const peerAuthentication = (name: string, namespace: string, spec: string) => `
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ${spec} }`;
  const modes = (...objects: string[]) => {
    const text = entry(
      'resolution: STATIC, endpoints: [{ address: plain }, { address: proxied, labels: { security.istio.io/tlsMode: istio, app: shop } }]',
    );
    return rulesOf(text + objects.join('')).endpoints[0]!.endpoints.map((each) => each.tlsMode);
  };

  test('by the label of Istio alone', () => {
    expect(modes()).toEqual([undefined, 'istio']);
  });

  test.each([
    ['STRICT', ['istio', 'istio']],
    ['DISABLE', ['disabled', 'disabled']],
    ['PERMISSIVE', [undefined, 'istio']],
    ['UNSET', [undefined, 'istio']],
  ])('a PeerAuthentication of the mesh: %s', (mode, expected) => {
    expect(modes(peerAuthentication('x', 'istio-system', `mtls: { mode: ${mode} }`))).toEqual(expected);
  });

  test('the port over the workload, over the namespace, over the mesh', () => {
    const mesh = peerAuthentication('mesh', 'istio-system', 'mtls: { mode: STRICT }');
    const namespace = peerAuthentication('ns', 'demo', 'mtls: { mode: DISABLE }');
    const selected = (rest: string) =>
      peerAuthentication('w', 'demo', `selector: { matchLabels: { app: shop } }, ${rest}`);
    expect(modes(mesh, namespace)).toEqual(['disabled', 'disabled']);
    expect(modes(mesh, namespace, selected('mtls: { mode: STRICT }'))).toEqual(['disabled', 'istio']);
    expect(modes(mesh, namespace, selected('portLevelMtls: { 1: { mode: STRICT } }'))).toEqual(['disabled', 'istio']);
    expect(modes(mesh, namespace, selected('portLevelMtls: { 2: { mode: STRICT } }'))).toEqual([
      'disabled',
      'disabled',
    ]);
    expect(modes(mesh, namespace, selected('mtls: { mode: UNSET }'))).toEqual(['disabled', 'disabled']);
    expect(modes(peerAuthentication('ns', 'elsewhere', 'mtls: { mode: STRICT }'))).toEqual([undefined, 'istio']);
  });
});

test('a host described twice: the oldest counts, the other is told', () => {
  const text = entry('resolution: STATIC, endpoints: [{ address: 1.1.1.1 }]');
  const older = text
    .replace('name: a,', 'name: b, creationTimestamp: 2026-01-01T00:00:00Z,')
    .replace('1.1.1.1', '2.2.2.2');
  expect(endpoints('a.demo_20880', text + older)).toEqual(['2.2.2.2:1']);
  expect(rulesOf(text + older).problems.map((each) => `${each.object} ${each.message}`)).toContain(
    'ServiceEntry demo/a has no effect: ServiceEntry demo/b describes a.demo:20880 already',
  );
});
