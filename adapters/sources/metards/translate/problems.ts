/**
 * What is wrong with one resource: where in it, as the protos name their fields, and why. Whoever translates tells it where
 * he is; the words for that are made only when there is something to tell.
 */
export class Problems {
  readonly #place: (string | number)[] = [];
  readonly #told: string[] = [];
  #more = 0;

  /** What follows is of this field, or of this item of a list, until {@link leave}. */
  enter(step: string | number): void {
    this.#place.push(step);
  }

  leave(): void {
    this.#place.pop();
  }

  /** @param field - of the message that we are in; '' for itself */
  add(field: string, why: string): void {
    if (this.#told.length >= MOST_TOLD) {
      this.#more++;
      return;
    }
    let path = '';
    for (const step of field === '' ? this.#place : [...this.#place, field]) {
      path += typeof step === 'number' ? `[${step}]` : path === '' ? step : `.${step}`;
    }
    this.#told.push(path === '' ? why : `${path}: ${why}`);
  }

  get none(): boolean {
    return this.#told.length === 0;
  }

  toString(): string {
    return this.#told.join('; ') + (this.#more > 0 ? `; and ${this.#more} more` : '');
  }
}

/** Of a table with a thousand bad routes the first few are enough to see what is wrong. */
const MOST_TOLD = 8;

/** Text of a control plane in a message for people: quoted, and no longer than a line. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 117)}...` : text);
}
