/**
 * Attributes of tRPC messages. What opens a call or a stream has `caller`, `callee`, `func`, and each trans_info pair by its
 * own key; what answers or ends it has its pairs, and `error_msg` where there is one. The header's own fields win over
 * pairs of the same name.
 */
import {
  type AttributeReader,
  addPairKeys,
  FieldReader,
  type Message,
  pairValue,
  textAt,
} from '../../../src/message/index.js';
import { FRAME, frameOf, isReply } from './fixed-header.js';
import type { Head } from './head.js';
import { pairsOf } from './trans-info.js';

const field = new FieldReader();

export const trpcReader: AttributeReader = {
  operation(message) {
    const head = headOf(message);
    if (head === undefined || head.func === 0) return '';
    const frame = message.bytes[0]!;
    field.open(frame, head.func, head.end).next();
    const slash = field.length > 0 && frame[field.at] === 0x2f ? 1 : 0;
    return textAt(frame, field.at + slash, field.length - slash) ?? '';
  },

  get(message, key) {
    const head = headOf(message);
    if (head === undefined) return undefined;
    const own = ownField(head, key);
    if (own !== 0) return text(message, head, own);
    return head.info === 0 ? undefined : pairValue(message.bytes[0]!, pairsOf(message.bytes[0]!, head), key);
  },

  keys(message) {
    const keys = new Set<string>();
    const head = headOf(message);
    if (head === undefined) return keys;
    for (const key of OWN) if (ownField(head, key) !== 0) keys.add(key);
    const frame = message.bytes[0]!;
    addPairKeys(frame, pairsOf(frame, head), keys);
    return keys;
  },

  status(message) {
    const head = headOf(message);
    if (head === undefined || (!isReply(message.tag) && frameOf(message.tag) !== FRAME.CLOSE)) return undefined;
    return head.funcRet === 0 ? String(head.ret) : `${head.ret}/${head.funcRet}`;
  },
};

/** Undefined: DATA and FEEDBACK, and messages that were never decoded. */
export function headOf(message: Message): Head | undefined {
  return message.view as Head | undefined;
}

const OWN = ['caller', 'callee', 'func', 'error_msg'] as const;

/** Where the header's own field of that name begins; 0: nowhere. */
function ownField(head: Head, key: string): number {
  switch (key) {
    case 'callee':
      return head.callee;
    case 'func':
      return head.func;
    case 'caller':
      return head.caller;
    case 'error_msg':
      return head.text;
    default:
      return 0;
  }
}

function text(message: Message, head: Head, start: number): string | undefined {
  const frame = message.bytes[0]!;
  field.open(frame, start, head.end).next();
  return textAt(frame, field.at, field.length);
}
