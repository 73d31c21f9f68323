/** What is wrong with one resource: where in it, as the protos name their fields, and why. */
export class Problems {
  readonly #told: string[] = [];
  #more = 0;

  /** @param path - of a message: `virtual_hosts[0].routes[2]` */
  add(path: string, why: string): void {
    if (this.#told.length < MOST_TOLD) this.#told.push(path === '' ? why : `${path}: ${why}`);
    else this.#more++;
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

/** A field of a message at `path`. */
export function at(path: string, field: string): string {
  return path === '' ? field : `${path}.${field}`;
}
