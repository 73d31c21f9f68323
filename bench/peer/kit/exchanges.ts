import { RequestEncoder } from '../../../adapters/protocols/dubbo/client/request.js';
import { type Exchange, TOKEN, type Wire } from './wire.js';

/** The calls that are measured: one of a text that returns a text, both of `size` bytes. */

export const INTERFACE = 'org.bench.Echo';
export const METHOD = 'echo';
export const PROTOCOLS = ['dubbo', 'thrift'] as const;
export type ProtocolName = (typeof PROTOCOLS)[number];

export function exchange(protocol: ProtocolName, size: number): Exchange {
  return protocol === 'dubbo' ? dubboExchange(size) : thriftExchange(size);
}

/** A request as a Java consumer of Dubbo 2.7 writes it, in Hessian 2; a reply with a value and no attachments. */
function dubboExchange(size: number): Exchange {
  const request = dubboRequest(size);
  const RESPONSE_VALUE = Buffer.of(0x91);
  const reply = Buffer.concat([Buffer.from('dabb0214', 'hex'), Buffer.alloc(12), RESPONSE_VALUE, hessianText(size)]);
  reply.writeInt32BE(reply.length - 16, 12);
  const layout = { lengthAt: 12, lengthAdds: 16, idAt: 8 };
  return { protocol: 'dubbo', size, wire: wireOf(layout, request, reply), multiplexed: true, request, reply };
}

/** The writer's short form of the text gives way to the long one, so that the token has the same place at all sizes. */
function dubboRequest(size: number): Buffer {
  const target = { interface: INTERFACE, version: undefined, group: undefined, application: undefined };
  const encoder = new RequestEncoder({ ...target, dubboVersion: '2.0.2' });
  const invocation = { method: METHOD, types: undefined, attachments: undefined, timeoutMs: undefined, oneway: false };
  const short = encoder.encode({ ...invocation, args: [TOKEN.toString('latin1')] });
  const at = short.indexOf(TOKEN);
  const request = Buffer.concat([short.subarray(0, at - 1), hessianText(size), short.subarray(at + TOKEN.length)]);
  request.writeInt32BE(request.length - 16, 12);
  return request;
}

/** Framed, strict binary; a connection has one call at a time, as clients of Thrift do it. */
function thriftExchange(size: number): Exchange {
  const request = thriftMessage(1, 1, size);
  const reply = thriftMessage(2, 0, size);
  const layout = { lengthAt: 0, lengthAdds: 4, idAt: 12 + METHOD.length };
  return { protocol: 'thrift', size, wire: wireOf(layout, request, reply), multiplexed: false, request, reply };
}

function wireOf(layout: Omit<Wire, 'requestTokenAt' | 'replyTokenAt'>, request: Buffer, reply: Buffer): Wire {
  return { ...layout, requestTokenAt: request.indexOf(TOKEN), replyTokenAt: reply.indexOf(TOKEN) };
}

function textOf(size: number): string {
  return TOKEN.toString('latin1') + 'x'.repeat(size - TOKEN.length);
}

/** In chunks of 32 KB, as Java's writer has them, each with a head of three bytes. */
function hessianText(size: number): Buffer {
  const CHUNK = 0x8000;
  const pieces: Buffer[] = [];
  let rest = textOf(size);
  for (; rest.length > CHUNK; rest = rest.slice(CHUNK)) pieces.push(chunk('R', rest.slice(0, CHUNK)));
  pieces.push(chunk('S', rest));
  return Buffer.concat(pieces);

  function chunk(tag: string, part: string): Buffer {
    const head = Buffer.from(`${tag}\0\0`, 'latin1');
    head.writeUInt16BE(part.length, 1);
    return Buffer.concat([head, Buffer.from(part, 'latin1')]);
  }
}

/** A message whose struct has one text. */
function thriftMessage(type: 1 | 2, field: number, size: number): Buffer {
  const [CALL_OR_REPLY, STRING, STOP] = [0x80010000 + type, 11, 0];
  const pieces = [int32(CALL_OR_REPLY), int32(METHOD.length), Buffer.from(METHOD), int32(0)];
  pieces.push(Buffer.of(STRING, 0, field), int32(size), Buffer.from(textOf(size)), Buffer.of(STOP));
  const message = Buffer.concat(pieces);
  return Buffer.concat([int32(message.length), message]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}
