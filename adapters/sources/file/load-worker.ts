/** The worker thread's entry: reads and translates the files it is given, and posts the set. */
import { parentPort, workerData } from 'node:worker_threads';
import { readListing } from './load.js';

parentPort?.postMessage(await readListing(workerData));
