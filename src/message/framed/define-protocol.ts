import type { Bytes } from '../bytes.js';
import type { Protocol } from '../codec.js';
import { Message, type MessageKind } from '../message.js';
import { Mutation } from '../mutation.js';
import { timeLeft } from '../time-left.js';
import { FramedCodec } from './codec.js';
import { Layout } from './layout.js';
import { readHigh, readNumber, writeNumber, writeText } from './numbers.js';
import { FramedReader } from './reader.js';
import type { FramedKind, FramedTable } from './table.js';

/** What a table of header fields makes: a protocol, and the means to write clients, servers and tests of it. */
export interface FramedProtocol extends Protocol {
  /**
   * A message to send: numbers and texts by field name, pairs by any other.
   * @throws TypeError - the protocol has no such kind, or no field of that name and no pairs
   * @throws RangeError - a field cannot hold its value
   */
  message(
    kind: MessageKind,
    fields?: Readonly<Record<string, string | number | bigint>>,
    body?: Buffer | string,
  ): Message;
  /** What follows header and pairs, uncopied. */
  body(message: Message): Bytes;
}

/**
 * A protocol of the common shape, from a table: a header of fixed size that says how long the message is, pairs of text
 * if it has some, a body. Codec, attributes, mutations, refusals, heartbeats and deadlines follow from the table.
 * Anything else is a hand-written {@link Protocol}.
 * @throws TypeError - the table cannot be used; the message says why
 */
export function defineProtocol(table: FramedTable): FramedProtocol {
  const layout = new Layout(table);
  const reader = new FramedReader(layout);
  const { little, timeout, status, statusOf } = layout;
  const { service } = table;
  const deadline = (request: Message) => {
    const ms =
      readNumber(request.bytes[0]!, timeout!, little) + readHigh(request.bytes[0]!, timeout!, little) * 2 ** 32;
    return ms > 0 ? ms : undefined;
  };
  const build = (
    kind: MessageKind | FramedKind,
    fields: Readonly<Record<string, unknown>> = {},
    body: Buffer | string = '',
  ) => messageOf(layout, reader, kind, fields, Buffer.from(body));
  return {
    name: table.name,
    sharing: table.sharing ?? ((layout.id?.size ?? 0) >= 4 ? 'multiplexed' : 'exclusive'),
    open: (side, options) => new FramedCodec(layout, reader, side, options),
    classify(reply) {
      if (status === undefined) return reply.kind === 'error' ? 'framework' : 'ok';
      const said = statusOf.get(readNumber(reply.bytes[0]!, status, little)) ?? 'framework';
      return said === 'ok' && reply.kind === 'error' ? 'framework' : said;
    },
    ...(service !== undefined && {
      serviceKeys(request: Message) {
        const key = request.get(service);
        return key === undefined ? [] : [key];
      },
    }),
    ...(timeout !== undefined && {
      deadline,
      stamp({ request, remainingMs }) {
        if (remainingMs === Number.POSITIVE_INFINITY) return undefined;
        const left = timeLeft(remainingMs, deadline(request), 2 ** (8 * Math.min(timeout.size, 4) - 1) - 1);
        return left === undefined ? undefined : new Mutation().set(timeout.name, String(left));
      },
    }),
    ...(layout.valueOf('ping') !== undefined && { heartbeat: () => build('ping').bytes }),
    message: build,
    body(message) {
      const [first, ...rest] = message.bytes;
      const pairs = layout.pairs === undefined ? 0 : readNumber(first!, layout.pairs, little);
      const behind = first!.subarray(layout.bytes + pairs);
      return behind.length === 0 ? rest : [behind, ...rest];
    },
  } satisfies FramedProtocol as FramedProtocol;
}

function messageOf(
  layout: Layout,
  reader: FramedReader,
  kind: MessageKind | FramedKind,
  fields: Readonly<Record<string, unknown>>,
  body: Buffer,
): Message {
  const { little, table } = layout;
  const head = Buffer.alloc(layout.bytes);
  for (const { slot, value } of layout.constants) writeNumber(head, slot, value, little);
  const isStatusOnly = kind === 'error' && layout.valueOf('error') === undefined && layout.status !== undefined;
  const wire = kind === 'heartbeat' ? 'ping' : isStatusOnly ? 'response' : (kind as FramedKind);
  if (layout.kind !== undefined) {
    const value = layout.valueOf(wire);
    if (value === undefined) throw new TypeError(`the protocol ${table.name} has no ${wire}`);
    writeNumber(head, layout.kind, value, little);
  }
  if (isStatusOnly || kind === 'error') {
    if (layout.status !== undefined) writeNumber(head, layout.status, layout.rejectStatus, little);
  }
  const pairs = new Mutation();
  for (const [name, value] of Object.entries(fields)) {
    const slot = layout.attributes.get(name.toLowerCase());
    if (slot !== undefined) writeText(head, slot, String(value), little);
    else if (layout.pairs !== undefined) pairs.set(name, String(value));
    else throw new TypeError(`the protocol ${table.name} has no field ${name}`);
  }
  layout.writeLength(head, head.length + body.length);
  const { id } = layout;
  const low = id === undefined ? 0 : readNumber(head, id, little);
  const high = id === undefined ? 0 : readHigh(head, id, little);
  const what = wire === 'ping' || wire === 'pong' ? 'heartbeat' : (kind as MessageKind);
  const plain = new Message(what, [Buffer.concat([head, body])], reader, high | 0, low | 0);
  if (pairs.size === 0) return plain;
  const bytes = Buffer.concat(new FramedCodec(layout, reader, 'downstream').encode(plain, plain, pairs));
  return new Message(what, [bytes], reader, high | 0, low | 0);
}
