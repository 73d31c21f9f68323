import { connect } from 'node:net';

/** Of the proxy that Istio injects: its own listener for health checks, which answers for the proxy and for nothing else. */
const HEALTH_PORT = 15021;
const ANSWER_MS = 900;

/**
 * Is Istio's proxy beside this process? It answers `/healthz/ready` on loopback, with 200, or with 503 as long as it is not
 * ready: then it captures connections all the same. Whether it captures ours cannot be asked. Our own sidecar, which
 * captures nothing, says in its answer's head who it is.
 *
 * Asked by hand: each start of an app asks, mostly in vain, and Node's HTTP client takes several ms the first time.
 */
export function istioProxy(port: number = HEALTH_PORT): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ host: '127.0.0.1', port, timeout: ANSWER_MS });
    const end = (there: boolean) => {
      resolve(there);
      socket.destroy();
    };
    socket.on('connect', () => {
      socket.write(`GET /healthz/ready HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
    });
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
      if (answer.includes('\r\n\r\n') || answer.length > MAX_HEAD) end(isProxy(answer));
    });
    for (const over of ['end', 'timeout', 'error', 'close']) socket.on(over, () => end(false));
  });
}

const MAX_HEAD = 16_384;

function isProxy(head: string): boolean {
  return /^HTTP\/1\.[01] (200|503) /.test(head) && !/\r\nserver: meltemi\r\n/i.test(head);
}
