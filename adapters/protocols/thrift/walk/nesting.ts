import { ProtocolError } from '../../../../src/message/index.js';

/** As deep as a message may nest: twice what Java and Go read by default. */
export const MAX_DEPTH = 128;

/**
 * The containers that are open around the place of a walk. Of a struct nothing is known but its last field's id, which
 * nobody needs; of the others how many values are left and their types, for maps in turn.
 */
export class Nesting {
  depth = 0;
  readonly #left = new Float64Array(MAX_DEPTH);
  readonly #even = new Uint8Array(MAX_DEPTH);
  readonly #odd = new Uint8Array(MAX_DEPTH);

  reset(): void {
    this.depth = 0;
  }

  pushStruct(): void {
    this.#push(STRUCT, 0, 0);
  }

  /** @param count - of keys and values together; keys are of type `even` */
  push(count: number, even: number, odd: number): void {
    this.#push(count, even, odd);
  }

  pop(): void {
    this.depth--;
  }

  get inStruct(): boolean {
    return this.#left[this.depth - 1] === STRUCT;
  }

  /** The type of the innermost container's next value; 0 if there is none. Not in a struct. */
  next(): number {
    const top = this.depth - 1;
    const left = this.#left[top]!;
    if (left === 0) return 0;
    this.#left[top] = left - 1;
    return left % 2 === 0 ? this.#even[top]! : this.#odd[top]!;
  }

  #push(left: number, even: number, odd: number): void {
    if (this.depth === MAX_DEPTH) {
      throw new ProtocolError(`a Thrift message that nests more than ${MAX_DEPTH} deep`);
    }
    const top = this.depth++;
    this.#left[top] = left;
    this.#even[top] = even;
    this.#odd[top] = odd;
  }
}

const STRUCT = -1;
