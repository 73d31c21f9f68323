import { expect, test } from '@jest/globals';
import { ManualRuntime } from '../../src/testing/index.js';
import { demoService, policy, router, world } from './support.js';

test('ejection that a TrafficPolicy sets for a service holds in its clusters, and follows changes', async () => {
  const runtime = new ManualRuntime();
  const outlier = 'outlier: { consecutiveErrors: 1, baseEjectionTime: 30s, maxEjectionPercent: 50 }';
  const { mesh, source, server, call } = world(demoService + policy(outlier), { runtime });
  server('10.0.0.1'); // nobody listens at 10.0.0.2
  const answers = new Set<string>();
  for (let i = 0; i < 6; i++) answers.add(await call());
  expect(answers).toEqual(new Set(['10.0.0.1 hello']));
  const ejected = () => mesh.status.clusters[0]!.endpoints.filter((it) => it.ejectedMs > 0).map((it) => it.address);
  expect(ejected()).toEqual(['10.0.0.2:9000']);
  source.set(demoService);
  expect(ejected()).toEqual([]);
  await mesh.close();
});

test('a change of rules keeps connections, ejections, buckets and counts of what goes on as before', async () => {
  const runtime = new ManualRuntime();
  const rules = (name: string) =>
    demoService +
    router(`routes: [{ name: ${name}, route: [{ destination: { host: demo.test } }] }]`) +
    policy(
      'rateLimit: { tokenBucket: { maxTokens: 8, tokensPerFill: 1, fillInterval: 60s } }, ' +
        'outlier: { consecutiveErrors: 1, maxEjectionPercent: 50 }',
    );
  const { mesh, source, network, server, call } = world(rules('before'), { runtime });
  server('10.0.0.1');
  for (let i = 0; i < 6; i++) expect(await call()).toBe('10.0.0.1 hello');
  const dialled = network.dialled.length;
  source.set(rules('after'));
  expect([await call(), await call(), await call()]).toEqual(['10.0.0.1 hello', '10.0.0.1 hello', 'RATE_LIMITED']);
  expect(network.dialled).toHaveLength(dialled);
  const [cluster] = mesh.status.clusters;
  expect(cluster!.endpoints.map((it) => it.ejectedMs > 0)).toEqual([false, true]);
  const requests = mesh.metrics().find((it) => it.name === 'requests_total')!;
  const of = (route: string) =>
    requests.samples.filter((it) => it.labels.route === route).reduce((sum, it) => sum + Number(it.value), 0);
  expect(of('after')).toBe(3);
  await mesh.close();
});
