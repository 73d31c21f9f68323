/** A RouteConfiguration, ready to be sent. */
export interface Resource {
  readonly name: string;
  /** In protobuf. */
  readonly bytes: Uint8Array;
}

/** All that is served at a time, under one version. */
export class Snapshot {
  readonly #resources: ReadonlyMap<string, Resource>;

  constructor(
    readonly version: string,
    resources: readonly Resource[],
  ) {
    this.#resources = new Map(resources.map((resource) => [resource.name, resource]));
  }

  has(name: string): boolean {
    return this.#resources.has(name);
  }

  /** @param names - empty: everything. What is not there is left out. */
  pick(names: readonly string[]): Resource[] {
    if (names.length === 0) return [...this.#resources.values()];
    const picked: Resource[] = [];
    for (const name of new Set(names)) {
      const resource = this.#resources.get(name);
      if (resource !== undefined) picked.push(resource);
    }
    return picked;
  }

  get names(): string[] {
    return [...this.#resources.keys()];
  }

  /** Names of what is new, gone or not the same. */
  changes(resources: readonly Resource[]): string[] {
    const gone = new Set(this.#resources.keys());
    const changed: string[] = [];
    for (const { name, bytes } of resources) {
      gone.delete(name);
      const ours = this.#resources.get(name);
      if (ours === undefined || Buffer.compare(ours.bytes, bytes) !== 0) changed.push(name);
    }
    return [...changed, ...gone];
  }
}
