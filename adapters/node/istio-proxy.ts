import { request } from 'node:http';

/** Of the proxy that Istio injects: its own listener for health checks, which answers for the proxy and for nothing else. */
const HEALTH_PORT = 15021;
const ANSWER_MS = 900;

/**
 * Is Istio's proxy beside this process? It answers `/healthz/ready` on loopback, with 200, or with 503 as long as it is not
 * ready: then it captures connections all the same. Whether it captures ours cannot be asked.
 */
export function istioProxy(port: number = HEALTH_PORT): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port, path: '/healthz/ready', agent: false, timeout: ANSWER_MS };
    const asked = request(options, (response) => {
      response.resume();
      resolve(response.statusCode === 200 || response.statusCode === 503);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
    asked.on('close', () => resolve(false));
    asked.end();
  });
}
