import { readdirSync, readFileSync } from 'node:fs';
import { thrift } from '../../../../adapters/protocols/thrift/index.js';
import { ByteQueue, type Message, type Side } from '../../../../src/message/index.js';
import type { SampleExchange } from '../../../../src/testing/index.js';

/** One recorded message with its description, as `test/golden/thrift/README.md` says. */
export interface GoldenFrame {
  readonly from: 'client' | 'server';
  readonly offset: number;
  readonly length: number;
  readonly type: 'call' | 'reply' | 'exception' | 'oneway';
  readonly id: number;
  readonly method: string;
  readonly service?: string;
  readonly headers?: Record<string, string>;
  readonly header?: { readonly sequence: number; readonly protocolId: number; readonly transforms: readonly number[] };
  readonly status?: { readonly ok: boolean; readonly kind?: string; readonly fields?: Record<string, unknown> };
  readonly body: string;
}

export interface GoldenConnection {
  readonly clientBytes: string;
  readonly serverBytes: string;
  readonly chunks: readonly (readonly [string, number?])[];
  readonly frames: readonly GoldenFrame[];
}

export interface GoldenExchange {
  readonly name: string;
  readonly variant: { readonly transport: string; readonly protocol: string };
  readonly connections: readonly GoldenConnection[];
}

const FOLDER = new URL('../../../golden/thrift/', import.meta.url);

export const goldenExchanges: readonly GoldenExchange[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.jsonl'))
  .flatMap((name) => readFileSync(new URL(name, FOLDER), 'utf8').trimEnd().split('\n'))
  .map((line) => JSON.parse(line) as GoldenExchange);

export function exchange(name: string): GoldenExchange {
  const found = goldenExchanges.find((it) => it.name === name);
  if (found === undefined) throw new Error(`no exchange ${name}`);
  return found;
}

export function bytesOf(connection: GoldenConnection, frame: GoldenFrame): Buffer {
  const all = Buffer.from(frame.from === 'client' ? connection.clientBytes : connection.serverBytes, 'base64');
  return all.subarray(frame.offset, frame.offset + frame.length);
}

export interface Recorded {
  readonly name: string;
  readonly variant: GoldenExchange['variant'];
  readonly frame: GoldenFrame;
  readonly bytes: Buffer;
}

/** Every recorded message. */
export const recorded: readonly Recorded[] = goldenExchanges.flatMap(({ name, variant, connections }) =>
  connections.flatMap((connection) =>
    connection.frames.map((frame, i) => ({ name: `${name} ${i}`, variant, frame, bytes: bytesOf(connection, frame) })),
  ),
);

/** The first message of that exchange which its client sent. */
export function request(name: string): Buffer {
  return recorded.find((it) => it.name.startsWith(`${name} `) && it.frame.from === 'client')!.bytes;
}

export function reply(name: string): Buffer {
  return recorded.find((it) => it.name.startsWith(`${name} `) && it.frame.from === 'server')!.bytes;
}

export function sampleOf({ name, frame, bytes }: Recorded): SampleExchange {
  return { name, [frame.from === 'client' ? 'request' : 'reply']: bytes };
}

/** The only message in these bytes, which come cut at `cuts`. */
export function decoded(bytes: Buffer, side: Side = 'downstream', cuts: readonly number[] = []): Message {
  const input = new ByteQueue();
  const codec = thrift.open(side);
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    input.push(bytes.subarray(from, cut));
    from = cut;
    if (cut === bytes.length) break;
    if (codec.decode(input) !== null) throw new Error(`a message in the first ${cut} bytes`);
  }
  const message = codec.decode(input);
  if (message === null || input.length > 0) throw new Error('not one message');
  return message;
}
