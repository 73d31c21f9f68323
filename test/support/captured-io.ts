import { PassThrough, Readable } from 'node:stream';
import { main } from '../../adapters/cli/main.js';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Streams of a command, and what it has written by then. */
export function capturedIo(input: Iterable<Buffer> = []) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const io = { stdin: Readable.from(input), stdout, stderr };
  return { io, written: () => ({ out: readAll(stdout), err: readAll(stderr) }) };
}

/** The `meltemi` command. */
export async function meltemi(...args: string[]): Promise<Ran> {
  const { io, written } = capturedIo();
  const code = await main(args, io);
  return { code, ...written() };
}

/** `read()` gives one chunk or all there is, by Node's version. */
function readAll(stream: Readable): string {
  const chunks: Buffer[] = [];
  for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) chunks.push(chunk);
  return String(Buffer.concat(chunks));
}
