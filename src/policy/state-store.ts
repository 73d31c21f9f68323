/**
 * State that outlives a plan: breakers, buckets, budgets. Keyed by what it belongs to and a fingerprint of its own
 * configuration, so that a push which does not touch a limit never refills its bucket, and one that does never runs two.
 * Plans hold what they use; what no plan holds is closed and forgotten.
 */
export interface StateStore {
  /**
   * The state at `key` if its fingerprint is the same, else a fresh one.
   * @param key - service, role and scope, such as `demo_20880/rate-limit/inbound`
   * @param fingerprint - of the configuration, any JSON-able value
   */
  get<S extends object>(key: string, fingerprint: unknown, create: () => S): S;
}

/** State that holds timers or sockets has this; it is called when nothing uses it any more. */
export interface ClosableState {
  close(): void;
}

interface Entry {
  readonly state: object;
  readonly fingerprint: string;
  holders: number;
}

export class KeyedStateStore {
  readonly #entries = new Map<string, Entry>();

  /** A view for one plan; dispose of it when the plan is gone and its last call has ended. */
  hold(): HeldState {
    const held: Entry[] = [];
    return {
      get: (key, fingerprint, create) => {
        const id = `${key}\n${JSON.stringify(fingerprint)}`;
        let entry = this.#entries.get(id);
        if (entry === undefined) {
          entry = { state: create(), fingerprint: id, holders: 0 };
          this.#entries.set(id, entry);
        }
        entry.holders++;
        held.push(entry);
        return entry.state as never;
      },
      release: () => {
        for (const entry of held.splice(0)) {
          if (--entry.holders > 0) continue;
          this.#entries.delete(entry.fingerprint);
          (entry.state as Partial<ClosableState>).close?.();
        }
      },
    };
  }

  /** The newest state at a key, whatever its fingerprint. Looks at every state: for status, not for the call path. */
  find<S extends object>(key: string): S | undefined {
    let found: object | undefined;
    for (const { state, fingerprint } of this.#entries.values()) {
      if (fingerprint.startsWith(`${key}\n`)) found = state;
    }
    return found as S | undefined;
  }

  get size(): number {
    return this.#entries.size;
  }
}

export interface HeldState extends StateStore {
  release(): void;
}
