import type { SourceRecord } from './source-status.js';

/** A rule and who said it. */
export interface Held<R> {
  readonly source: SourceRecord;
  readonly rule: R;
}

/**
 * What all sources say of one kind of rule, a stack a key: the source of highest precedence is seen (among equals the
 * one that was registered first), and taking its rule away reveals the next.
 */
export class Layers<R> {
  readonly #stacks = new Map<string, Held<R>[]>();

  /** What is to be seen of a key, with its source. */
  top(key: string): Held<R> | undefined {
    return this.#stacks.get(key)?.[0];
  }

  /** @returns whether the source had no rule of that key before. */
  put(key: string, rule: R, source: SourceRecord): boolean {
    let stack = this.#stacks.get(key);
    if (stack === undefined) {
      stack = [];
      this.#stacks.set(key, stack);
    }
    const at = stack.findIndex((held) => held.source === source);
    if (at >= 0) {
      stack[at] = { source, rule };
    } else {
      stack.push({ source, rule });
      stack.sort((a, b) => b.source.precedence - a.source.precedence || a.source.order - b.source.order);
    }
    return at < 0;
  }

  /** @returns whether the source had one. */
  remove(key: string, source: SourceRecord): boolean {
    const stack = this.#stacks.get(key);
    const at = stack?.findIndex((held) => held.source === source) ?? -1;
    if (stack === undefined || at < 0) return false;
    stack.splice(at, 1);
    if (stack.length === 0) this.#stacks.delete(key);
    return true;
  }

  /** Every key that the source has said something of. Looks at all keys. */
  *keysOf(source: SourceRecord): Iterable<string> {
    for (const [key, stack] of this.#stacks) if (stack.some((held) => held.source === source)) yield key;
  }
}
