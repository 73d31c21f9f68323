import { Cluster } from 'ioredis';
import { digest, fails, host, noise, port, refusing, step } from './step.cjs';

// The nodes tell each other's addresses, by which the client finds the others.
const cluster = new Cluster([{ host, port }], { clusterRetryStrategy: null });
const keys = Array.from({ length: 100 }, (_, i) => `key${i}`);

await step('nodes', async () => {
  await cluster.set('x', 1);
  return cluster.nodes('master').length;
});
await step('keys of all nodes', async () => {
  await Promise.all(keys.map((key, i) => cluster.set(key, i)));
  return Promise.all(keys.map((key) => cluster.get(key)));
});
await step('2 MiB', async () => {
  await cluster.set('large', noise(2 << 20));
  return digest(await cluster.getBuffer('large'));
});
await fails('error of the cluster', () => cluster.mget('a', 'b', 'c'));
await fails('connection refused', async () => {
  const nobody = new Cluster([{ host, port: refusing }], { clusterRetryStrategy: null, lazyConnect: true });
  await nobody.connect();
});
await step('quit', () => cluster.quit());
