/**
 * Tells when files or folders may have changed. Folders are watched rather than files, since editors replace a file by
 * renaming another over it and Kubernetes swaps a ConfigMap's `..data` link: both are events of the folder. A slow
 * look at the signature stands behind it, for links swapped further up and for file systems without events.
 */
import { type FSWatcher, watch } from 'node:fs';
import { type Listing, listFiles } from './files.js';

/** How changes of files are noticed. */
export interface WatchOptions {
  /** After an event, so long without a further change. @defaultValue 50 */
  readonly settleMs?: number;
  /** How often the files are looked at without an event. @defaultValue 5,000 */
  readonly pollMs?: number;
}

/** One at a time: `changed` is not called again until its promise has settled. */
export class FileWatch {
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #poll: NodeJS.Timeout;
  readonly #settleMs: number;
  #settling: NodeJS.Timeout | undefined;
  #busy = false;
  #again = false;
  #closed = false;

  constructor(
    readonly paths: readonly string[],
    private known: Listing,
    private readonly changed: (listing: Listing) => Promise<void>,
    options: WatchOptions = {},
  ) {
    this.#settleMs = options.settleMs ?? 50;
    this.#poll = setInterval(() => this.#look(), options.pollMs ?? 5_000).unref();
    this.#follow(known.folders);
    // What happened between the listing and the first watcher has no event.
    this.#look();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#settling);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #follow(folders: readonly string[]): void {
    for (const [folder, watcher] of this.#watchers) {
      if (folders.includes(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of folders) {
      if (this.#watchers.has(folder)) continue;
      try {
        const watcher = watch(folder, { persistent: false }, (_, name) => this.#touched(name));
        // A folder that went away, or is beyond the system's number of watches: the slow look serves it.
        watcher.on('error', () => {
          watcher.close();
          this.#watchers.delete(folder);
        });
        this.#watchers.set(folder, watcher);
      } catch {}
    }
  }

  /** Logs and the like beside the rules must not make us look. */
  #touched(name: string | null): void {
    if (name === null || !name.includes('.') || /\.(ya?ml|json)$|^\.\./i.test(name) || this.#named(name)) this.#soon();
  }

  #named(name: string): boolean {
    return this.paths.some((path) => path.endsWith(name));
  }

  #soon(): void {
    if (this.#closed) return;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#look(), this.#settleMs);
  }

  /** Reports a change once two looks, `settleMs` apart, have seen the same: a file half written is not read. */
  async #look(): Promise<void> {
    this.#again = true;
    if (this.#busy) return;
    this.#busy = true;
    let seen: Listing | undefined;
    while ((this.#again || seen !== undefined) && !this.#closed) {
      this.#again = false;
      const now = await listFiles(this.paths);
      if (this.#closed) break;
      if (now.signature === this.known.signature) seen = undefined;
      else if (now.signature !== seen?.signature) {
        seen = now;
        await new Promise((resolve) => setTimeout(resolve, this.#settleMs));
      } else {
        seen = undefined;
        this.known = now;
        this.#again = true;
        this.#follow(now.folders);
        await this.changed(now);
      }
    }
    this.#busy = false;
  }
}
