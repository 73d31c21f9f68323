import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

/** How a process stands, for whoever probes it. */
export interface Health {
  readonly ready: boolean;
  /** Why it is not; a line each. */
  readonly why: readonly string[];
}

const TIMEOUT_MS = 5000;
/** Probes come one at a time, of few probers. */
const MAX_CONNECTIONS = 64;

/**
 * HTTP for the kubelet and its like. `GET /healthz/ready`: 200, or 503 with the reasons. `GET /healthz/live`: 200, as the
 * process can answer; that is all a restart would mend.
 * @param problem - is told what goes wrong later, such as a connection for which there is no file descriptor
 * @throws Error - the port cannot be listened on: by the name of its setting
 */
export async function openHealth(
  at: { host: string; port: number },
  health: () => Health,
  problem: (message: string) => void,
): Promise<Server> {
  const server = createServer({ headersTimeout: TIMEOUT_MS, requestTimeout: TIMEOUT_MS }, (request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const { status, text } = answerTo(request.method, path, health);
    // `server` tells a mesh that looks for Istio's proxy that this is none.
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close', server: 'meltemi' });
    response.end(`${text}\n`);
  });
  server.maxConnections = MAX_CONNECTIONS;
  try {
    await once(server.listen({ ...at, exclusive: true }), 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const instead =
      code === 'EADDRINUSE' ? '; end who has it, or choose another port there, 0 for any that is free' : '';
    throw new Error(`listeners.health cannot be opened: ${message}${instead}`, { cause: error });
  }
  server.on('error', (error) => problem(`listeners.health: ${error.message}`));
  return server;
}

function answerTo(method: string | undefined, path: string, health: () => Health): { status: number; text: string } {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: 'GET is all there is' };
  if (path === '/healthz/live') return { status: 200, text: 'live' };
  if (path !== '/healthz/ready') return { status: 404, text: 'there are /healthz/ready and /healthz/live' };
  const { ready, why } = health();
  return ready ? { status: 200, text: 'ready' } : { status: 503, text: ['not ready', ...why].join('\n') };
}
