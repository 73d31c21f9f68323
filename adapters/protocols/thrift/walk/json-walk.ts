import { ProtocolError } from '../../../../src/message/index.js';
import type { Cursor } from './cursor.js';
import { MAX_DEPTH } from './nesting.js';
import type { Walk } from './walk.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** A Thrift value is up to three of JSON's: {"1":{"rec":{…}}}. */
const MAX_BRACKETS = 3 * MAX_DEPTH;

/** JSON: brackets are counted, but for those in strings. */
export class JsonWalk implements Walk {
  at = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  begin(): boolean {
    this.at = 0;
    this.#depth = 0;
    this.#inString = false;
    this.#escaped = false;
    return true;
  }

  walk(cursor: Cursor, limit: number): boolean {
    while (this.at <= limit) {
      const run = cursor.rest(this.at);
      if (run.length === 0) return false;
      const end = this.#scan(run);
      this.at += end < 0 ? run.length : end;
      if (end >= 0) return true;
    }
    return false;
  }

  /** @returns where in `run` the message ends, or −1 */
  #scan(run: Buffer): number {
    for (let i = 0; i < run.length; i++) {
      const byte = run[i]!;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inString = false;
      } else if (byte === QUOTE) this.#inString = true;
      else if (byte === 0x5b || byte === 0x7b) this.#open();
      else if ((byte === 0x5d || byte === 0x7d) && --this.#depth === 0) return i + 1;
    }
    return -1;
  }

  #open(): void {
    if (++this.#depth > MAX_BRACKETS) throw new ProtocolError(`a Thrift message that nests ${MAX_BRACKETS} deep`);
  }
}
