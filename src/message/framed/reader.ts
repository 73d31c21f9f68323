import type { AttributeReader, Message } from '../message.js';
import type { Layout } from './layout.js';
import { readNumber, readText } from './numbers.js';
import { findPair, pairKeys } from './pairs.js';

/** Attributes of a framed message, read where they stand. */
export class FramedReader implements AttributeReader {
  readonly #operation: readonly string[];

  constructor(private readonly layout: Layout) {
    this.#operation = (layout.table.operation ?? []).map((name) => name.toLowerCase());
  }

  operation(message: Message): string {
    const names = this.#operation;
    if (names.length === 1) return this.get(message, names[0]!) ?? '';
    return names.map((name) => this.get(message, name) ?? '').join('/');
  }

  get(message: Message, key: string): string | undefined {
    const { attributes, pairs, bytes, little } = this.layout;
    const head = message.bytes[0]!;
    const slot = attributes.get(key);
    if (slot !== undefined) return readText(head, slot, little);
    if (pairs === undefined) return undefined;
    return findPair(head, bytes, bytes + readNumber(head, pairs, little), key, little);
  }

  *keys(message: Message): Iterable<string> {
    const { attributes, pairs, bytes, little } = this.layout;
    for (const { name } of attributes.values()) yield name;
    const head = message.bytes[0]!;
    if (pairs !== undefined) yield* pairKeys(head, bytes, bytes + readNumber(head, pairs, little), little);
  }

  status(message: Message): string | undefined {
    const { status, little } = this.layout;
    if (status === undefined || (message.kind !== 'response' && message.kind !== 'error')) return undefined;
    return readText(message.bytes[0]!, status, little);
  }
}
