/** A worker thread with a file of its own. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const worker = new Worker(new URL('app.mjs', import.meta.url));
const [status] = await once(worker, 'exit');
console.log(status);
