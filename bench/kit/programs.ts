import { dirname, join, resolve } from 'node:path';

/** Where the bench runs: told by the program that was started, since what it imports is bundled. */
const MAIN = resolve(process.argv[1]!);

export const ROOT = join(dirname(MAIN), '../..');
export const PROCESSES = join(dirname(MAIN), 'kit/processes.js');
