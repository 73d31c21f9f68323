import { chmod, link, lstat, rename, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { answers, checkPath, controlFolder, ownFolder } from './place.js';

/** What is answered, as JSON, or a promise of it. What it throws is the asker's error. */
export type Resource = (query: URLSearchParams) => unknown;

/** An open control socket. */
export interface Control {
  readonly path: string;
  /** Whoever is being answered is cut off. */
  close(): void;
}

/** Tools ask seldom, one at a time. */
const MAX_CONNECTIONS = 16;
const MAX_HEADER_BYTES = 8192;
/** A request must be whole by then, and an answer that nobody reads for so long is given up. */
const TIMEOUT_MS = 10_000;

/** Of this thread's sockets at their usual place; each thread of the process has names of its own. */
let opened = 0;
const NAMES_OF_A_THREAD = 256;

/** How to close those that are open: the system takes no socket's path away when its process ends. */
const closings = new Set<() => void>();

function closeAll(): void {
  for (const close of closings) close();
}

/**
 * HTTP on a unix socket that only this user can open: `GET` of a resource is answered by JSON. It never keeps the process
 * alive. The socket of a process that died is taken over, that of one which lives is not.
 * @param resources - by their path, such as `/status`
 * @param path - @defaultValue `<pid>.sock` in {@link controlFolder}; of the next meshes and of worker threads `<pid>-<n>.sock`
 * @throws Error - the socket cannot be made, with the reason
 */
export async function openControl(resources: ReadonlyMap<string, Resource>, path = usualPath()): Promise<Control> {
  checkPath(path);
  await ownFolder(dirname(path));
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: TIMEOUT_MS, requestTimeout: TIMEOUT_MS },
    (request, response) => void answer(resources, request, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = TIMEOUT_MS;
  server.on('connection', (socket) => socket.unref());
  await listen(server, path).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    await takeAway(path);
    await listen(server, path);
  });
  server.unref();
  // No more files for whoever asks: that is theirs to see.
  server.on('error', () => {});
  const close = () => {
    server.close();
    server.closeAllConnections();
    if (closings.delete(close) && closings.size === 0) process.off('exit', closeAll);
  };
  if (closings.size === 0) process.once('exit', closeAll);
  closings.add(close);
  await chmod(path, 0o600).catch((error: Error) => {
    close();
    throw error;
  });
  return { path, close };
}

function usualPath(): string {
  const nth = threadId * NAMES_OF_A_THREAD + opened++;
  return join(controlFolder(), nth === 0 ? `${process.pid}.sock` : `${process.pid}-${nth}.sock`);
}

/** One request a connection. Bodies are not read. */
async function answer(
  resources: ReadonlyMap<string, Resource>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, body } = await answerTo(resources, request);
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(`${body}\n`);
}

async function answerTo(resources: ReadonlyMap<string, Resource>, { method, url = '' }: IncomingMessage) {
  const refused = (status: number, error: string) => ({ status, body: JSON.stringify({ error }) });
  if (method !== 'GET') return refused(405, 'GET is all there is');
  const at = url.indexOf('?');
  const resource = resources.get(at < 0 ? url : url.slice(0, at));
  if (resource === undefined) {
    return refused(404, `there is no ${url}; there are: ${[...resources.keys()].join(', ')}`);
  }
  try {
    return { status: 200, body: JSON.stringify(await resource(new URLSearchParams(at < 0 ? '' : url.slice(at)))) };
  } catch (error) {
    return refused(500, error instanceof Error ? error.message : String(error));
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // In a worker of `node:cluster` the primary would listen for it, and the app's primary hear of one server too many.
    server.listen({ path, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/**
 * A socket that nobody listens on. Of several processes that find it at once none takes away what another has made since:
 * it is moved aside first, and put back if it is no longer the one that was looked at.
 * @throws Error - somebody listens on it, or it is no socket
 */
async function takeAway(path: string): Promise<void> {
  const seen = await lstat(path);
  if (!seen.isSocket()) throw new Error(`${path} is there and is no socket`);
  if (await answers(path)) throw new Error(`another process listens on ${path}`);
  const aside = `${path}.${process.pid}`;
  await rename(path, aside);
  const moved = await lstat(aside);
  if (moved.ino !== seen.ino) await link(aside, path).catch(() => undefined);
  await unlink(aside);
}
