import { finish, type Work } from '../runtime/index.js';
import { ContentHash } from './content.js';

/** Hashes between two yields: some tens of µs. */
const STEP = 32;

/** What came or went. */
interface Counted {
  /** 1: it is there; -1: it is no longer. */
  readonly sign: 1 | -1;
  /** What it is: the kind of a rule, the key that endpoints or routes belong to. */
  readonly scope: string;
  readonly contents: readonly unknown[];
  /** Does the place of each count? */
  readonly placed: boolean;
  /** How many of them are in a sum. */
  added: number;
}

interface Sum {
  high: number;
  low: number;
}

/**
 * A name for all rules in force that only their content decides: two processes with the same rules, whichever way they
 * came to them, have the same version. A sum of hashes, so that a change costs what changed. They are made when the
 * change is in force, as no call waits for a name; before, if somebody is to be told it at that moment.
 */
export class ContentVersion {
  readonly #sum: Sum = { high: 0, low: 0 };
  /** Of the change under way. */
  #staged: Counted[] = [];
  /** The sum of what of it was added {@link ahead}. */
  readonly #ahead: Sum = { high: 0, low: 0 };
  /** In force, and not in the sum yet. */
  #open: Counted[] = [];
  readonly #hash = new ContentHash();
  /** The hash of the last scope: it is mostly the next one's too. */
  #scope: string | undefined = undefined;
  #scopeHigh = 0;
  #scopeLow = 0;

  /** 16 hexadecimal digits, as of the last commit. Made here and now if {@link settle} has not. */
  get text(): string {
    finish(this.settle());
    return hex(this.#sum.high) + hex(this.#sum.low);
  }

  count(sign: 1 | -1, scope: string, content: unknown): void {
    this.countEach(sign, scope, [content]);
  }

  /** As if each were counted by itself; with its place, where the order matters. */
  countEach(sign: 1 | -1, scope: string, contents: readonly unknown[], placed = false): void {
    if (contents.length > 0) this.#staged.push({ sign, scope, contents, placed, added: 0 });
  }

  /** Before the commit, if the change is to be named as soon as it is in force. */
  ahead(): Work {
    return this.#add(this.#staged, this.#ahead);
  }

  commit(): void {
    this.#sum.high = (this.#sum.high + this.#ahead.high) | 0;
    this.#sum.low = (this.#sum.low + this.#ahead.low) | 0;
    this.#open = this.#open.length === 0 ? this.#staged : this.#open.concat(this.#staged);
    this.discard();
  }

  /** What was counted since the last commit was not. */
  discard(): void {
    this.#staged = [];
    this.#ahead.high = 0;
    this.#ahead.low = 0;
  }

  settle(): Work {
    return this.#add(this.#open, this.#sum);
  }

  /** Takes out what it has added; whoever asks in the midst of it goes on from there. */
  *#add(counted: Counted[], sum: Sum): Work {
    for (let steps = 1; counted.length > 0; steps++) {
      const last = counted[counted.length - 1]!;
      const { sign, scope, contents, placed } = last;
      const at = last.added++;
      if (last.added === contents.length) counted.pop();
      if (scope !== this.#scope) this.#enter(scope);
      const hash = this.#hash.of(placed ? [at, contents[at]] : contents[at]);
      sum.high = (sum.high + sign * Math.imul(this.#scopeHigh, hash.high)) | 0;
      sum.low = (sum.low + sign * Math.imul(this.#scopeLow, hash.low)) | 0;
      if (steps % STEP === 0) yield;
    }
  }

  #enter(scope: string): void {
    const { high, low } = this.#hash.of(scope);
    this.#scope = scope;
    this.#scopeHigh = high | 1;
    this.#scopeLow = low | 1;
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
