/**
 * The listeners of a mesh, held to what is wanted by difference: what is new is opened, what is wanted no longer is drained,
 * the rest is left alone. What cannot be opened is told, once for each reason, and tried again: when rules change, and after
 * a wait that doubles. Until it is open, what stood for the same goes on: a port that was mistyped cuts nobody off.
 */
import type { Listener, Mesh } from '../../../src/index.js';
import type { OpenListener } from './report.js';
import { listenerInWords, type WantedListener } from './wanted.js';

/** Why a listener is not open. */
export interface FailedListener {
  readonly wanted: WantedListener;
  readonly why: string;
}

export interface ListenersOptions {
  /** How long what is wanted no longer may go on. */
  readonly drainMs: () => number;
  readonly opened: (open: OpenListener) => void;
  readonly closed: (open: OpenListener) => void;
  readonly failed: (failed: FailedListener) => void;
}

const RETRY_BASE_MS = 1000;
const RETRY_MAX_MS = 30_000;

export class Listeners {
  readonly #open = new Map<string, { readonly wanted: WantedListener; readonly listener: Listener }>();
  readonly #failed = new Map<string, FailedListener>();
  /** Of all that was ever opened, until it is closed: what is drained, too. */
  readonly #closing = new Set<Promise<unknown>>();
  #wanted: readonly WantedListener[] = [];
  #work: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #retryMs = RETRY_BASE_MS;
  #over = false;

  constructor(
    private readonly mesh: Pick<Mesh, 'listen' | 'serve'>,
    private readonly options: ListenersOptions,
  ) {}

  /** Those that are open, with their ports. */
  get open(): readonly OpenListener[] {
    return [...this.#open.values()].map(({ wanted, listener }) => ({ listener: wanted, port: listener.port }));
  }

  get failed(): readonly FailedListener[] {
    return [...this.#failed.values()];
  }

  /** Resolves when all was tried that is wanted now. One call's work begins when that of the one before is over. */
  want(wanted: readonly WantedListener[]): Promise<void> {
    this.#wanted = wanted;
    this.#work = this.#work.then(() => this.#settle());
    return this.#work;
  }

  /** Accepts no more. What is served goes on. */
  stop(): void {
    this.#over = true;
    clearTimeout(this.#retry);
    for (const { listener } of this.#open.values()) {
      listener.stop();
      this.#keep(listener.closed);
    }
  }

  /** Resolves when nothing is served any more, which may be never. Ask once it is stopped. */
  async idle(): Promise<void> {
    while (this.#closing.size > 0) await Promise.all(this.#closing);
  }

  async #settle(): Promise<void> {
    if (this.#over) return;
    const wanted = new Map(this.#wanted.map((it) => [JSON.stringify(it), it]));
    const opening = [...wanted].filter(([id]) => !this.#open.has(id)).map(([, it]) => it);
    this.#closeUnless(wanted, (it) => !opening.some(({ port }) => port === it.port));
    for (const id of this.#failed.keys()) if (!wanted.has(id)) this.#failed.delete(id);
    for (const [id, it] of wanted) if (!this.#open.has(id) && !this.#over) await this.#start(id, it);
    this.#closeUnless(wanted, (it) => this.failed.some((other) => purposeOf(other.wanted) === purposeOf(it)));
    this.#retryLater();
  }

  /** Those that are wanted no longer, and have no other reason to stay. */
  #closeUnless(wanted: ReadonlyMap<string, WantedListener>, stays: (it: WantedListener) => boolean): void {
    for (const [id, { wanted: it, listener }] of this.#open) {
      if (this.#over || wanted.has(id) || stays(it)) continue;
      this.#open.delete(id);
      const { port } = listener;
      // Its port is free from here on, for another that wants it.
      this.#keep(listener.close(this.options.drainMs()));
      this.options.closed({ listener: it, port });
    }
  }

  async #start(id: string, wanted: WantedListener): Promise<void> {
    try {
      const listener = await this.#listen(wanted);
      if (this.#over) {
        // It was waited for too long.
        this.#keep(listener.close());
        return;
      }
      this.#open.set(id, { wanted, listener });
      this.#failed.delete(id);
      this.options.opened({ listener: wanted, port: listener.port });
    } catch (error) {
      const failed = { wanted, why: reasonOf(error as NodeJS.ErrnoException) };
      if (this.#failed.get(id)?.why !== failed.why) this.options.failed(failed);
      this.#failed.set(id, failed);
    }
  }

  #listen(wanted: WantedListener): Promise<Listener> {
    if (wanted.kind === 'outbound') return this.mesh.listen(wanted);
    const { port, host, forward, service, protocol } = wanted;
    const known = { ...(service !== undefined && { service }), ...(protocol !== undefined && { protocol }) };
    return this.mesh.serve({ port, host, forward, ...known });
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    if (this.#over) return;
    if (this.#failed.size === 0) {
      this.#retryMs = RETRY_BASE_MS;
      return;
    }
    this.#retry = setTimeout(() => void this.want(this.#wanted), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MAX_MS);
  }

  #keep(closed: Promise<unknown>): void {
    this.#closing.add(closed);
    void closed.then(() => this.#closing.delete(closed));
  }
}

/** What a listener is there for, wherever it listens. */
function purposeOf(wanted: WantedListener): string {
  if (wanted.kind === 'outbound') return `to ${wanted.service}`;
  return `from ${wanted.forward.host}:${wanted.forward.port}`;
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code !== 'EADDRNOTAVAIL') return error.message;
  return `${error.message}: the address is none of this machine's; \`ip route add local ADDRESSES dev lo\` makes a range so`;
}

/** For people. */
export function failureInWords({ wanted, why }: FailedListener): string {
  return `${listenerInWords(wanted)} cannot be opened: ${why}`;
}
