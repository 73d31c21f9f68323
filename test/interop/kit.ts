import { execFile } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type Peer, startPeer } from '../../examples/demo/peers/start-peer.js';
import { freePort } from '../support/free-ports.mjs';

/** Real Java peers of one Dubbo line; see dubbo-java/README.md for their flags. */
export const LINES = (process.env.INTEROP_LINES ?? '2.7,3.2,3.3').split(',');

const run = promisify(execFile);
const RUN = 'test/interop/dubbo-java/run.sh';
const DEMO_SERVICES = ':,blue:1.0.0,green:,:2.0.0';

export interface JavaProviderOptions {
  /** End in Dubbo's own way, which says read-only first and takes some seconds. @defaultValue false: at once */
  readonly orderly?: boolean;
  readonly flags?: readonly string[];
}

export async function javaProvider(line: string, name = 'provider', options: JavaProviderOptions = {}): Promise<Peer> {
  const port = String(await freePort());
  const args = ['--line', line, 'provider', '--name', name, '--port', port, '--services', DEMO_SERVICES, '--stdin'];
  if (!options.orderly) args.push('--halt');
  return startPeer(RUN, [...args, ...(options.flags ?? [])], { command: 'bash', readyWithinMs: 30_000 });
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
    stop: () => peer.kill('SIGKILL'), // its orderly end takes three seconds
  };
}

/** What the suite prints of a case: times and addresses left out, so that two runs can be compared. */
export interface SuiteCase {
  readonly case: string;
  readonly asExpected: boolean;
  readonly result?: unknown;
  readonly error?: string;
}

/** Every kind of call once, against whatever listens at `port`. */
export async function javaSuite(line: string, port: number): Promise<SuiteCase[]> {
  const args = [RUN, '--line', line, 'consumer', '--suite', '--url', `dubbo://127.0.0.1:${port}`];
  const { stdout } = await run('bash', args, { maxBuffer: 64 << 20 }).catch(
    (failed: { stdout: string }) => failed, // it exits with 1 if a case was not as expected: the cases tell
  );
  return stdout
    .split('\n')
    .filter((text) => text.startsWith('{"case":'))
    .map((text) => {
      const { case: name, asExpected, result, error } = JSON.parse(text) as SuiteCase;
      return { case: name, asExpected, ...(error === undefined ? { result } : { error }) };
    });
}
