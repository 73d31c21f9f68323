/** Debian's Redis. `port`: one that stands alone; `cluster`: the ports of three that share the slots. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../../support/free-ports.mjs';
import { daemon, run, serve, until } from './serve.mjs';

const SLOTS = 16_384;

await serve(async (folder) => {
  const [port, ...ports] = await freePorts(7);
  const cluster = ports.slice(0, 3);
  // By itself a node's second port would be 10,000 above its first.
  const buses = ports.slice(3);
  const start = (own, ...more) => {
    const dir = join(folder, String(own));
    mkdirSync(dir);
    const args = ['--bind', '127.0.0.1', '--port', String(own), '--dir', dir, '--save', '', ...more];
    return daemon('redis-server', args, /Ready to accept connections/);
  };
  await Promise.all([
    start(port),
    ...cluster.map((own, i) =>
      start(own, '--cluster-enabled', 'yes', '--cluster-node-timeout', '500', '--cluster-port', String(buses[i])),
    ),
  ]);
  await joined(cluster, buses);
  return { port, cluster };
});

/** What `redis-cli --cluster create` does in five seconds. */
async function joined(cluster, buses) {
  const tell = (node, ...command) => run('redis-cli', ['-p', String(node), 'cluster', ...command.map(String)]);
  const share = Math.ceil(SLOTS / cluster.length);
  for (const [i, node] of cluster.entries()) {
    await tell(node, 'addslotsrange', i * share, Math.min((i + 1) * share, SLOTS) - 1);
    await tell(node, 'set-config-epoch', i + 1);
    if (i > 0) await tell(node, 'meet', '127.0.0.1', cluster[0], buses[0]);
  }
  for (const node of cluster) {
    await until(async () => {
      const said = await tell(node, 'info');
      return said.includes('cluster_state:ok') && said.includes(`cluster_known_nodes:${cluster.length}`);
    });
  }
}
