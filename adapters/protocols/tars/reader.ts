/**
 * Attributes of TARS packets: requests have `servant` and `func` and their context's pairs by their own keys; replies the
 * pairs of theirs and `desc` where there is one. `servant` and `func` win over pairs of these names.
 */
import type { AttributeReader, Message } from '../../../src/message/index.js';
import { type Head, headOf, readTail, tailOf } from './head.js';
import { eachPair, findPair, textAt } from './pairs.js';

export const RESULT_CODE = 'STATUS_RESULT_CODE';
export const RESULT_DESC = 'STATUS_RESULT_DESC';

export const tarsReader: AttributeReader = {
  operation(message) {
    const head = headOf(message);
    if (head === undefined || head.funcLength === 0) return '';
    return `${servantOf(message, head)}/${textAt(message.bytes[0]!, head.funcAt, head.funcLength)}`;
  },

  get(message, key) {
    const head = headOf(message);
    if (head === undefined) return undefined;
    if (key === 'servant' && head.servantLength > 0) return servantOf(message, head);
    if (key === 'func' && head.funcLength > 0) return textAt(message.bytes[0]!, head.funcAt, head.funcLength);
    const { contextAt, contextEnd } = readTail(message.bytes, head);
    const pair = findPair(tailOf(message.bytes), contextAt, contextEnd, key);
    return pair === undefined && key === 'desc' ? descOf(message, head) : pair;
  },

  keys(message) {
    const head = headOf(message);
    const keys = new Set<string>();
    if (head === undefined) return keys;
    if (head.servantLength > 0) keys.add('servant');
    if (head.funcLength > 0) keys.add('func');
    const { contextAt, contextEnd } = readTail(message.bytes, head);
    eachPair(tailOf(message.bytes), contextAt, contextEnd, (key, value) => {
      if (value !== undefined) keys.add(key);
    });
    if (descOf(message, head) !== undefined) keys.add('desc');
    return keys;
  },

  status(message) {
    const head = headOf(message);
    return head?.isReply === true ? String(head.ret) : undefined;
  },
};

function servantOf(message: Message, { servantAt, servantLength }: Head): string {
  return textAt(message.bytes[0]!, servantAt, servantLength);
}

function descOf(message: Message, head: Head): string | undefined {
  if (!head.isReply) return undefined;
  const { statusAt, statusEnd, descAt, descLength } = readTail(message.bytes, head);
  const tail = tailOf(message.bytes);
  if (head.isTup) return findPair(tail, statusAt, statusEnd, RESULT_DESC.toLowerCase()) || undefined;
  return descLength === 0 ? undefined : textAt(tail, descAt, descLength);
}
