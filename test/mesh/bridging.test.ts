import { expect, test } from '@jest/globals';
import { demoService, router, world } from './support.js';

const foreign = `---
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: other, namespace: test }
spec:
  hosts: [other.test]
  ports: [{ number: 9000, name: tcp-metaprotocol-dubbo, protocol: TCP }]
  resolution: STATIC
  endpoints: [{ address: 10.0.0.7 }]
`;

test('a table that leads to another protocol is held, and the service keeps the one it has', async () => {
  const { mesh, source, server, call } = world(demoService + foreign);
  for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.7']) server(address);
  await mesh.ready();
  source.set(demoService + foreign + router('routes: [{ route: [{ destination: { host: other.test } }] }]'));
  expect(mesh.status.held).toEqual([
    {
      service: 'demo.test_9000',
      why: [expect.stringContaining('which speaks dubbo: nothing translates between them')],
    },
  ]);
  expect(await call()).toMatch(/^10\.0\.0\.[12] hello$/);
  await mesh.close({ drainMs: 0 });
});
