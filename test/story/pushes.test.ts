import { afterEach, expect, test } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { metaRdsSource } from '../../adapters/sources/metards/index.js';
import { serveMetaRds } from '../../adapters/sources/metards/server/index.js';
import { clusterName } from '../../src/rules/index.js';
import { world, YamlSource } from '../mesh/support.js';

/** `pushes.mjs` does the same with real processes, and more of it. */
const PUSHES = 100;
const HOST = 'demo.test';
const SUBSETS = Array.from({ length: 7 }, (_, i) => `v${i}`);
const server = (version: number) => `10.0.0.${version % SUBSETS.length}`;

const yaml = `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: demo, namespace: test }
spec:
  hosts: [${HOST}]
  ports: [{ number: 9000, name: tcp-metaprotocol-frame, protocol: TCP }]
  resolution: STATIC
  endpoints: [${SUBSETS.map((subset, i) => `{ address: ${server(i)}, labels: { version: ${subset} } }`).join(', ')}]
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: demo, namespace: test }
spec:
  host: ${HOST}
  subsets: [${SUBSETS.map((subset) => `{ name: ${subset}, labels: { version: ${subset} } }`).join(', ')}]
`;

const routes = (version: number) => ({
  name: `${HOST}_9000`,
  virtualHosts: [
    {
      name: 'dummy',
      domains: ['*'],
      routes: [
        {
          name: `r${version}`,
          match: { prefix: '/' },
          route: { cluster: clusterName(HOST, 9000, SUBSETS[version % SUBSETS.length]) },
        },
      ],
    },
  ],
});

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

test(`${PUSHES} pushes while calls run: none fails, each goes where a version of its time says`, async () => {
  const rds = await serveMetaRds({ port: 0 });
  closing.push(() => rds.close());
  rds.publishConfigurations([routes(0)]);
  const source = metaRdsSource({ address: `127.0.0.1:${rds.port}` });
  const { mesh, call, server: serve } = world(undefined, { sources: [new YamlSource(yaml), source] });
  closing.push(() => mesh.close({ drainMs: 0 }));
  for (let i = 0; i < SUBSETS.length; i++) {
    serve(server(i), (payload, later) => {
      setImmediate(later, `${server(i)} ${payload}`);
      return undefined;
    });
  }
  await mesh.ready();

  let published = 0;
  let obeyed = 0;
  let calls = 0;
  const wrong: string[] = [];
  const one = async () => {
    const from = obeyed;
    const payload = String(calls++);
    const answer = await call(payload);
    const allowed = Array.from({ length: published - from + 1 }, (_, i) => `${server(from + i)} ${payload}`);
    if (!allowed.includes(answer)) wrong.push(`${answer}, not of ${from} to ${published}`);
  };
  let over = false;
  const caller = async () => {
    while (!over && wrong.length === 0) await one();
  };
  const callers = Array.from({ length: 8 }, caller);
  while (published < PUSHES) {
    const changed = firstValueFrom(mesh.changes);
    rds.publishConfigurations([routes(++published)]);
    await changed;
    obeyed = published;
  }
  over = true;
  await Promise.all(callers);
  expect(wrong).toEqual([]);
  expect(calls).toBeGreaterThan(PUSHES);
  expect(await call('last')).toBe(`${server(PUSHES)} last`);
});
