import { contentHash } from './content.js';
import type { EndpointRule, Rule, RuleKind } from './model.js';

/**
 * A name for all rules in force that only their content decides: two processes with the same rules, whichever way they
 * came to them, have the same version. A sum of hashes, so that a change costs what changed. 64 bits: enough to tell
 * versions apart, no proof against forgery.
 */
export class ContentVersion {
  #high = 0;
  #low = 0;

  /**
   * @param sign - 1: it is there; -1: it is no longer
   * @param content - the rule; of endpoints the key alone, since {@link countEndpoints} counts them one by one
   */
  count(sign: 1 | -1, kind: RuleKind, content: Rule | string): void {
    this.#add(sign, contentHash(kind, HIGH), contentHash(kind, LOW), content);
  }

  countEndpoints(sign: 1 | -1, key: string, endpoints: readonly EndpointRule[]): void {
    if (endpoints.length === 0) return;
    const high = contentHash(key, HIGH);
    const low = contentHash(key, LOW);
    for (const endpoint of endpoints) this.#add(sign, high, low, endpoint);
  }

  /** 16 hexadecimal digits. */
  toString(): string {
    return hex(this.#high) + hex(this.#low);
  }

  #add(sign: 1 | -1, high: number, low: number, content: unknown): void {
    this.#high = (this.#high + sign * Math.imul(high | 1, contentHash(content, HIGH))) | 0;
    this.#low = (this.#low + sign * Math.imul(low | 1, contentHash(content, LOW))) | 0;
  }
}

const HIGH = 0x2545f491;
const LOW = 0x61c88647;

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
