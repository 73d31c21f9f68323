/**
 * The signals of a process that runs until it is told to end. They are listened to from the start: the first process of a
 * container has no default action for any of them, and would go on.
 */
export class Signals {
  /** Resolves with the first SIGTERM or SIGINT. */
  readonly end: Promise<NodeJS.Signals>;
  /** Resolves with the second: whoever sends it will not wait. */
  readonly cut: Promise<void>;
  isCut = false;
  #reload: (() => void) | undefined;
  #reloadIsDue = false;
  readonly #listeners = new Map<NodeJS.Signals, () => void>();

  constructor() {
    let first!: (signal: NodeJS.Signals) => void;
    let second!: () => void;
    this.end = new Promise((resolve) => {
      first = resolve;
    });
    this.cut = new Promise((resolve) => {
      second = resolve;
    });
    let ended = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      this.#on(signal, () => {
        this.isCut = ended;
        if (ended) second();
        ended = true;
        first(signal);
      });
    }
    this.#on('SIGHUP', () => {
      if (this.#reload === undefined) this.#reloadIsDue = true;
      else this.#reload();
    });
  }

  /** What SIGHUP does. If one came before that is said, it does so now. */
  onReload(reload: () => void): void {
    this.#reload = reload;
    if (this.#reloadIsDue) reload();
  }

  /** Waits so long, or until it is cut short. */
  async unlessCut(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const time = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([time, this.cut]);
    clearTimeout(timer);
  }

  /** They do again what they do by default. */
  close(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }

  #on(signal: NodeJS.Signals, listener: () => void): void {
    process.on(signal, listener);
    this.#listeners.set(signal, listener);
  }
}
