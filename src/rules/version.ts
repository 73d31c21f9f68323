import { ContentHash } from './content.js';

/**
 * A name for all rules in force that only their content decides: two processes with the same rules, whichever way they
 * came to them, have the same version. A sum of hashes, so that a change costs what changed. It is counted aside:
 * {@link text} stays until `commit`.
 */
export class ContentVersion {
  #high = 0;
  #low = 0;
  #committedHigh = 0;
  #committedLow = 0;
  readonly #hash = new ContentHash();
  /** The hash of the last scope: it is mostly the next one's too. */
  #scope: string | undefined = undefined;
  #scopeHigh = 0;
  #scopeLow = 0;
  /** 16 hexadecimal digits, as of the last commit. */
  text = hex(0) + hex(0);

  /**
   * @param sign - 1: it is there; -1: it is no longer
   * @param scope - what it is: the kind of a rule, the key that an endpoint or a route belongs to
   */
  count(sign: 1 | -1, scope: string, content: unknown): void {
    if (scope !== this.#scope) {
      const { high, low } = this.#hash.of(scope);
      this.#scope = scope;
      this.#scopeHigh = high | 1;
      this.#scopeLow = low | 1;
    }
    const hash = this.#hash.of(content);
    this.#high = (this.#high + sign * Math.imul(this.#scopeHigh, hash.high)) | 0;
    this.#low = (this.#low + sign * Math.imul(this.#scopeLow, hash.low)) | 0;
  }

  /** {@link text} after the next commit. */
  get coming(): string {
    return hex(this.#high) + hex(this.#low);
  }

  commit(): void {
    this.#committedHigh = this.#high;
    this.#committedLow = this.#low;
    this.text = this.coming;
  }

  /** What was counted since the last commit was not. */
  discard(): void {
    this.#high = this.#committedHigh;
    this.#low = this.#committedLow;
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
