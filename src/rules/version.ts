import { ContentHash } from './content.js';

/**
 * A name for all rules in force that only their content decides: two processes with the same rules, whichever way they
 * came to them, have the same version. A sum of hashes, so that a change costs what changed.
 */
export class ContentVersion {
  #high = 0;
  #low = 0;
  /** As it was asked for last, until something is counted. */
  #text: string | undefined = undefined;
  readonly #hash = new ContentHash();

  /**
   * @param sign - 1: it is there; -1: it is no longer
   * @param scope - what it is: the kind of a rule, the key that an endpoint belongs to
   */
  count(sign: 1 | -1, scope: string, content: unknown): void {
    this.countAll(sign, scope, [content]);
  }

  /** Each content by itself: the order and the rest of the list do not matter. */
  countAll(sign: 1 | -1, scope: string, contents: readonly unknown[]): void {
    if (contents.length === 0) return;
    this.#text = undefined;
    const { high, low } = this.#hash.of(scope);
    for (let i = 0; i < contents.length; i++) {
      const hash = this.#hash.of(contents[i]);
      this.#high = (this.#high + sign * Math.imul(high | 1, hash.high)) | 0;
      this.#low = (this.#low + sign * Math.imul(low | 1, hash.low)) | 0;
    }
  }

  /** 16 hexadecimal digits. */
  toString(): string {
    this.#text ??= hex(this.#high) + hex(this.#low);
    return this.#text;
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
