/** An app of several threads and processes, each of which calls: `node processes.mjs HOST:PORT APP`. */
import { fork, spawn } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const [address, exec] = process.argv.slice(2);
const args = [address];
await once(new Worker(exec, { argv: args }), 'exit');
await once(fork(exec, args), 'exit');
await once(spawn(process.execPath, [exec, ...args], { stdio: 'inherit' }), 'exit');
cluster.setupPrimary({ exec, args });
await once(cluster.fork(), 'exit');
