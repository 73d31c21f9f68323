import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { type Peer, startPeer } from '../../examples/demo/peers/start-peer.js';

/** Real Java peers of one Dubbo line; see dubbo-java/README.md for their flags. */
export const LINES = (process.env.INTEROP_LINES ?? '2.7,3.2,3.3').split(',');

const RUN = 'test/interop/dubbo-java/run.sh';
const DEMO_SERVICES = ':,blue:1.0.0,green:,:2.0.0';

export async function javaProvider(line: string, ...flags: string[]): Promise<Peer> {
  const port = String(await freePort());
  const args = ['--line', line, 'provider', '--port', port, '--services', DEMO_SERVICES, '--stdin', '--halt', ...flags];
  return startPeer(RUN, args, { command: 'bash', readyWithinMs: 30_000 });
}

/** What the consumer prints of a call. */
export interface JavaCall {
  readonly ok: boolean;
  readonly result?: unknown;
  readonly error?: string;
  /** Of an RpcException: 1 network, 2 timeout, 5 serialization. */
  readonly code?: string;
  readonly message?: string;
}

export interface JavaConsumer {
  /** One call, with `argument`. */
  call(argument: string): Promise<JavaCall>;
  stop(): Promise<void>;
}

export async function javaConsumer(line: string, port: number, ...flags: string[]): Promise<JavaConsumer> {
  const args = ['--line', line, 'consumer', '--url', `dubbo://127.0.0.1:${port}`, '--stdin', ...flags];
  const peer = await startPeer(RUN, args, { command: 'bash', readyWithinMs: 30_000 });
  const waiting: ((call: JavaCall) => void)[] = [];
  createInterface(peer.process.stdout!).on('line', (text) => {
    if (text.startsWith('{"i":')) waiting.shift()?.(JSON.parse(text) as JavaCall);
  });
  return {
    call: (argument) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        peer.process.stdin!.write(`${argument}\n`);
      }),
    stop: peer.stop,
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
