import { readdirSync, readFileSync } from 'node:fs';
import { brpc } from '../../../../adapters/protocols/brpc/index.js';
import { ByteQueue, type Message, type Side } from '../../../../src/message/index.js';
import type { SampleExchange } from '../../../../src/testing/index.js';

/** What one recorded message says, as `test/golden/brpc/README.md` has it. */
export interface GoldenFrame {
  readonly from: 'client' | 'server';
  readonly offset: number;
  readonly length: number;
  readonly magic: 'PRPC' | 'STRM';
  readonly type: 'request' | 'response' | 'stream-data' | 'stream-feedback' | 'stream-close' | 'stream-reset';
  /** Above 2^53 in none of the recordings. */
  readonly id?: number;
  /** That of the receiver, and of the sender. */
  readonly streamId?: number;
  readonly sourceStreamId?: number;
  readonly service?: string;
  readonly method?: string;
  readonly logId?: number;
  readonly timeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status?: { readonly code: number; readonly text?: string };
}

export interface GoldenConnection {
  readonly clientBytes: string;
  readonly serverBytes: string;
  readonly chunks: readonly (readonly [side: string, bytes?: number])[];
  readonly frames: readonly GoldenFrame[];
}

export interface GoldenExchange {
  readonly name: string;
  readonly client: string;
  readonly server: string;
  readonly connections: readonly GoldenConnection[];
}

const FOLDER = new URL('../../../golden/brpc/', import.meta.url);

export const goldenNames: readonly string[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -5));

export function golden(name: string): GoldenExchange {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8'));
}

export function bytesOf(connection: GoldenConnection, from: 'client' | 'server'): Buffer {
  return Buffer.from(from === 'client' ? connection.clientBytes : connection.serverBytes, 'base64');
}

export function frameBytes(connection: GoldenConnection, { from, offset, length }: GoldenFrame): Buffer {
  return bytesOf(connection, from).subarray(offset, offset + length);
}

/** Who reads what that side wrote. */
export function readerOf(from: 'client' | 'server'): Side {
  return from === 'client' ? 'downstream' : 'upstream';
}

/** Each frame as a sample of its own, a unary reply with its request. */
export function samples(name: string): SampleExchange[] {
  return golden(name).connections.flatMap((connection) =>
    connection.frames.map((frame, i) => {
      const bytes = frameBytes(connection, frame);
      const label = `${name} ${i} ${frame.type}`;
      return frame.from === 'client' ? { name: label, request: bytes } : { name: label, reply: bytes };
    }),
  );
}

/** The only message in these bytes. */
export function decoded(bytes: Buffer, side: Side = 'downstream'): Message {
  const [message, ...more] = decodedAll(bytes, side);
  if (message === undefined || more.length > 0) throw new Error('not one message');
  return message;
}

export function decodedAll(bytes: Buffer, side: Side = 'downstream'): Message[] {
  const input = new ByteQueue();
  input.push(bytes);
  const codec = brpc.open(side);
  const messages: Message[] = [];
  for (let it = codec.decode(input); it !== null; it = codec.decode(input)) messages.push(it);
  if (input.length > 0) throw new Error(`${input.length} bytes are left`);
  return messages;
}

/** The recorded request of that exchange. */
export function requestOf(name: string): Message {
  return firstOf(name, 'client');
}

export function replyOf(name: string): Message {
  return firstOf(name, 'server');
}

function firstOf(name: string, from: 'client' | 'server'): Message {
  const [connection] = golden(name).connections;
  const frame = connection!.frames.find((it) => it.from === from);
  return decoded(frameBytes(connection!, frame!), readerOf(from));
}
