/**
 * An app in cluster mode that knows nothing of a mesh: two workers share a port; the primary calls each until both have
 * answered, and prints the ports they listened on, and what they saw of their connections.
 */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const port = Number(process.argv[2]);
cluster.schedulingPolicy = process.argv[3] === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR;

if (cluster.isPrimary) {
  const workers = [cluster.fork(), cluster.fork()];
  const seen = new Map();
  const listening = [];
  cluster.on('message', ({ id }, message) => seen.set(id, message));
  cluster.on('listening', (_, address) => listening.push(address.port));
  await Promise.all(workers.map((worker) => once(worker, 'listening')));
  const wanted = process.argv[3] === 'none' ? 1 : 2; // the system may give all to one
  while (seen.size < wanted) {
    const socket = connect(port, '127.0.0.1');
    await once(socket.resume(), 'close');
  }
  for (const worker of workers) worker.disconnect();
  console.log(JSON.stringify({ listening, seen: [...seen.values()].slice(0, wanted) }));
} else {
  const server = createServer((socket) => {
    process.send({ bound: socket._handle === null, port: socket.localPort === port });
    socket.end();
  });
  server.listen(port, '127.0.0.1');
}
