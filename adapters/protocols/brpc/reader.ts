/**
 * Attributes of bRPC messages: requests have `service`, `method`, `log_id`, replies `error_text` where there is one; both
 * their user fields by their own keys. The meta's own fields win over user fields of the same name. jprotobuf repeats the
 * request's meta in its replies: there it says nothing.
 */
import {
  type AttributeReader,
  addPairKeys,
  FieldReader,
  type Message,
  pairValue,
  textAt,
} from '../../../src/message/index.js';
import { frameOf, type Meta, metaOf, userFields } from './meta.js';

const field = new FieldReader();
const OWN = ['service', 'method', 'log_id', 'error_text'] as const;

export const brpcReader: AttributeReader = {
  operation(message) {
    const meta = metaOf(message);
    if (meta === undefined || meta.isReply || meta.methodLength === 0) return '';
    return `${own(message, meta, 'service') ?? ''}/${own(message, meta, 'method')}`;
  },

  get(message, key) {
    const meta = metaOf(message);
    if (meta === undefined) return undefined;
    const value = own(message, meta, key);
    if (value !== undefined || !meta.hasUserFields) return value;
    const frame = frameOf(message, meta);
    return pairValue(frame, userFields(frame, meta), key);
  },

  keys(message) {
    const keys = new Set<string>();
    const meta = metaOf(message);
    if (meta === undefined) return keys;
    for (const key of OWN) if (own(message, meta, key) !== undefined) keys.add(key);
    if (!meta.hasUserFields) return keys;
    const frame = frameOf(message, meta);
    addPairKeys(frame, userFields(frame, meta), keys);
    return keys;
  },

  status(message) {
    const meta = metaOf(message);
    if (meta === undefined || !meta.isReply || message.kind === 'stream-data') return undefined;
    return String(meta.code);
  },
};

function own(message: Message, meta: Meta, key: string): string | undefined {
  const frame = frameOf(message, meta);
  if (meta.isReply) {
    return key === 'error_text' && meta.textLength > 0 ? textAt(frame, meta.textAt, meta.textLength) : undefined;
  }
  if (key === 'service') return meta.serviceLength > 0 ? textAt(frame, meta.serviceAt, meta.serviceLength) : undefined;
  if (key === 'method') return meta.methodLength > 0 ? textAt(frame, meta.methodAt, meta.methodLength) : undefined;
  return key === 'log_id' && meta.logId > 0 ? numberAt(frame, meta) : undefined;
}

/** 64 bits, signed. */
function numberAt(frame: Buffer, meta: Meta): string {
  field.open(frame, meta.logId, meta.requestEnd).next();
  return String(BigInt.asIntN(64, (BigInt(field.high) << 32n) | BigInt(field.low)));
}
