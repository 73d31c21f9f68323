/** Two workers of node:cluster, each of which asks. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import ask from './ask.cjs';

if (cluster.isPrimary) {
  const workers = [cluster.fork(), cluster.fork()];
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  console.log(workers.map(({ process }) => process.exitCode));
} else {
  console.log(await ask());
  cluster.worker.disconnect();
}
