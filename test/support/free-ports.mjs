/**
 * Ports for programs that cannot be told to choose one themselves, or that must be unreachable. Between the question and the
 * use nobody else may get the port: so it is none of those that a system gives to who asks for any, and to every connection
 * that is made (Linux: from 32768, macOS: from 49152), and each process has a hundred of its own.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';

const FIRST = 20_000;
const EACH = 100;
const PROCESSES = 120;

const own = FIRST + (process.pid % PROCESSES) * EACH;
// Modules of a test file live as long as the file, the process longer.
let next = Math.floor(Math.random() * EACH);

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort() {
  for (let tried = 0; tried < EACH; tried++) {
    const port = own + (next++ % EACH);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${own} to ${own + EACH - 1} is free`);
}

/** All different. */
export async function freePorts(count) {
  const ports = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

async function isFree(port) {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
