/** How the codec kit feeds bytes to a codec and compares what comes out. */
import { ByteQueue, type Codec, MAX_MESSAGE_BYTES, type Message } from '../message/index.js';

/** All messages in these chunks. Throws what decode throws, and when it makes no progress or holds too much. */
export function feed(codec: Codec, chunks: readonly Buffer[]): Message[] {
  const input = new ByteQueue();
  const messages: Message[] = [];
  for (const chunk of chunks) {
    input.push(chunk);
    for (;;) {
      const before = input.length;
      const message = before === 0 ? null : codec.decode(input);
      if (message === null) break;
      if (input.length >= before) throw new Error('a message was made of nothing: the reader would never end');
      messages.push(message);
    }
    if (input.length > MAX_MESSAGE_BYTES) throw new Error(`${input.length} bytes are held`);
  }
  return messages;
}

export function readAll(message: Message): void {
  for (const key of message.keys()) message.get(key);
  message.get('no such key');
  void message.operation;
  void message.status;
}

export function attributes(message: Message): Map<string, string | undefined> {
  const all = new Map<string, string | undefined>();
  for (const key of message.keys()) all.set(key.toLowerCase(), message.get(key));
  return all;
}

/** All that can be told of a message, its bytes as Latin-1. */
export function portrait(message: Message): string {
  const { kind, idHigh, idLow, status, operation } = message;
  const told = JSON.stringify({ kind, idHigh, idLow, status, operation, attributes: [...attributes(message)] });
  return told + Buffer.concat(message.bytes).toString('latin1');
}

export function samePortrait(message: Message, expected: string, where: string): void {
  const actual = portrait(message);
  if (actual !== expected) throw new Error(`${where}: ${actual}\nexpected ${expected}`);
}

export function same(actual: unknown, expected: unknown, what: string): void {
  if (!Object.is(actual, expected)) throw new Error(`${what}: ${String(actual)}, expected ${String(expected)}`);
}

export function sameBytes(actual: Buffer, expected: Buffer, what: string): void {
  if (actual.equals(expected)) return;
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  const where = at < 0 ? `${actual.length} bytes, expected ${expected.length}` : `byte ${at} differs`;
  throw new Error(`${what}: ${where}`);
}

/** A constant: in the contexts that test runners make, each look-up of a global is slow. */
const { imul } = Math;

/** Mulberry32: small, seeded, good enough to change bytes. In [0, 1). */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = imul(state ^ (state >>> 15), 1 | state);
    t = (t + imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
