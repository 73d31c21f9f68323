/**
 * Attributes of Thrift messages: `method`; `service` where the name is multiplexed as `Service:method`, or a TTHeader says to
 * which service it goes; and the pairs of a header, by their own keys. What the message itself says wins over pairs
 * of the same name, and of pairs whose keys are the same, lower-cased, the last one.
 */
import { type AttributeReader, asciiAt, type Message } from '../../../src/message/index.js';
import { applicationErrorOf } from './application-error.js';
import { TO_SERVICE } from './headers/numbered.js';
import { keyAt, keyIs, pairsOf } from './headers/pairs.js';
import { nameOf } from './name.js';
import { ENTRY } from './view.js';
import { hasHeader, TRANSPORT, TYPE, transportOf, typeOf } from './wire.js';

export const thriftReader: AttributeReader = {
  operation(message) {
    const { method } = nameOf(message);
    const service = serviceOf(message);
    return service === undefined ? method : `${service}/${method}`;
  },

  get(message, key) {
    if (key === 'method') return nameOf(message).method;
    if (key === 'service') {
      const service = serviceOf(message);
      if (service !== undefined) return service;
    }
    return hasHeader(message.tag) ? pair(message, key) : undefined;
  },

  keys(message) {
    const keys = new Map<string, string>([['method', 'method']]);
    if (serviceOf(message) !== undefined) keys.set('service', 'service');
    if (!hasHeader(message.tag)) return keys.values();
    const frame = message.bytes[0]!;
    const pairs = pairsOf(message);
    for (let i = 0; i < pairs.entries.length; i += ENTRY) {
      const key = keyAt(frame, pairs, i);
      const lower = key.toLowerCase();
      if (lower !== 'method' && keys.get(lower) !== 'service') keys.set(lower, key);
    }
    return keys.values();
  },

  status(message) {
    const type = typeOf(message.tag) === TYPE.EXCEPTION ? applicationErrorOf(message) : undefined;
    return type === undefined ? undefined : String(type);
  },
};

/** Whose call it is; undefined: the message does not say. */
export function serviceOf(message: Message): string | undefined {
  const { service } = nameOf(message);
  if (service !== undefined || transportOf(message.tag) !== TRANSPORT.TTHEADER) return service;
  return pair(message, TO_SERVICE) || undefined;
}

/** The last pair of that key. */
function pair(message: Message, lowerKey: string): string | undefined {
  const frame = message.bytes[0]!;
  const { entries } = pairsOf(message);
  for (let i = entries.length - ENTRY; i >= 0; i -= ENTRY) {
    if (!keyIs(frame, entries, i, lowerKey)) continue;
    const at = entries[i + 3]!;
    const length = entries[i + 4]!;
    return asciiAt(frame, at, length) ?? frame.toString('utf8', at, at + length);
  }
  return undefined;
}
