/** A child that has its parent's options. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const child = fork(fileURLToPath(new URL('app.cjs', import.meta.url)));
const [status] = await once(child, 'exit');
console.log(status);
