import { Failure } from '../../../../src/call/index.js';
import { contiguous, type Message } from '../../../../src/message/index.js';
import { HEADER_BYTES, HESSIAN2, SERIALIZATION_MASK, STATUS } from '../header.js';
import { DubboException, DubboFrameworkError } from './errors.js';
import { ValueReader } from './value-reader.js';

const NULL = 0x4e;

/** What a reply begins with: how the method ended, without and with attachments behind it; 2 and 5 are null. */
const EXCEPTION = [0, 3];
const VALUE = [1, 4];

/**
 * The value that a method answered.
 * @throws {@link DubboException} - it threw.
 * @throws {@link DubboFrameworkError} - the status is not 20.
 * @throws Failure `BAD_REPLY` - bytes that are no such reply.
 */
export function replyValue(message: Message): unknown {
  const frame = contiguous(message.bytes);
  const status = frame[3]!;
  const body = frame.subarray(HEADER_BYTES);
  const serialization = frame[2]! & SERIALIZATION_MASK;
  if (status !== STATUS.OK)
    throw new DubboFrameworkError(status, serialization === HESSIAN2 ? errorText(body) : utf8(body));
  if (serialization !== HESSIAN2) throw badReply(`the body is of serialization ${serialization}, not Hessian 2`);
  // sofa-rpc-node leaves out the kind before null and void.
  if (body.length === 1 && body[0] === NULL) return null;
  const { kind, value } = read(body);
  if (EXCEPTION.includes(kind)) throw DubboException.from(value);
  return value;
}

/** Attachments are left: the codec has them. */
function read(body: Buffer): { kind: number; value: unknown } {
  const reader = new ValueReader(body);
  let kind: number;
  let value: unknown = null;
  try {
    kind = reader.readInt();
    if (VALUE.includes(kind) || EXCEPTION.includes(kind)) value = reader.read();
  } catch (error) {
    throw badReply(error instanceof Error ? error.message : String(error));
  }
  // hessian.js does not look where the bytes end.
  if (reader.byteBuffer.position() > body.length) throw badReply('the body ends inside a value');
  if (kind > 5 || !(kind >= 0)) throw badReply(`the body begins with the unknown kind ${kind}`);
  return { kind, value };
}

/** Hessian's string, or the bytes as they are: not every peer knows how to write one. */
function errorText(body: Buffer): string {
  try {
    const text = new ValueReader(body).read();
    if (typeof text === 'string') return text;
  } catch {
    // as below
  }
  return utf8(body);
}

function utf8(body: Buffer): string {
  return body.toString('utf8');
}

function badReply(reason: string): Failure {
  return new Failure('BAD_REPLY', { reason: `the reply cannot be read: ${reason}`, sent: 'yes', role: 'client' });
}
