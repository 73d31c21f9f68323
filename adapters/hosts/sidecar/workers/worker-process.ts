import type { Worker } from 'node:cluster';
import { BehaviorSubject } from 'rxjs';
import { systemRuntime } from '../../../../src/spi.js';
import type { LoadedConfig } from '../../../node/config.js';
import type { ProcessStatus } from '../../../node/control.js';
import type { Health } from '../health.js';
import type { OpenListener, SidecarReport } from '../report.js';
import type { Feeds } from '../sources.js';
import type { FromWorker, ToWorker } from './messages.js';
import { Outbox } from './outbox.js';

/** How long a worker may think about how it stands. */
const STATUS_MS = 2000;
/** How long a worker may take to end when its drain time is over: a second of it is for calls that are under way. */
const LATE_MS = 5000;
/** How long a worker that shall end at once may take. */
const CUT_MS = 2000;

export interface WorkerProcessOptions {
  readonly config: LoadedConfig;
  readonly feeds: Feeds;
  readonly index: number;
  readonly count: number;
  readonly tell: (report: SidecarReport) => void;
}

/** A worker, as its primary knows it. */
export class WorkerProcess {
  health: Health = { ready: false, why: ['it starts'] };
  listening: readonly OpenListener[] = [];
  /** Resolves when it is ready for the first time; rejects if it ends before. */
  readonly ready: Promise<void>;
  /** Resolves with what it ended with. */
  readonly ended: Promise<string>;
  isDraining = false;
  wasReady = false;
  /** What it is started with once it says that it listens. */
  #config: LoadedConfig;
  /** Before it listens, whatever is sent to it is lost: Node's own listener in it takes all that comes. */
  #listens = false;
  #isReady!: () => void;
  readonly #outboxes = new Map<
    number,
    { readonly box: Outbox; readonly inUse: BehaviorSubject<ReadonlySet<string>> }
  >();
  readonly #asked = new Map<number, (status: ProcessStatus | undefined) => void>();
  #questions = 0;

  constructor(
    readonly worker: Worker,
    private readonly options: WorkerProcessOptions,
  ) {
    this.#config = options.config;
    worker.on('message', (message: FromWorker) => this.#hear(message));
    // What could not be sent: that it is gone is told by its end.
    worker.on('error', () => {});
    this.ended = new Promise((resolve) => {
      worker.once('exit', (code, signal) => {
        this.health = { ready: false, why: ['it has ended'] };
        for (const { box } of this.#outboxes.values()) box.close();
        this.#outboxes.clear();
        resolve(signal ?? `code ${code}`);
      });
    });
    this.ready = new Promise((resolve, reject) => {
      this.#isReady = resolve;
      void this.ended.then((how) => reject(new Error(`${this.name} ended with ${how} before it was ready`)));
    });
    this.ready.catch(() => {}); // whoever waits for it hears of it
  }

  get name(): string {
    return `worker ${this.options.index + 1} (process ${this.pid})`;
  }

  get index(): number {
    return this.options.index;
  }

  get pid(): number {
    return this.worker.process.pid!;
  }

  reload(config: LoadedConfig): void {
    this.#config = config;
    this.#tell({ type: 'reload', config });
  }

  /** @returns undefined: it does not answer */
  async status(): Promise<ProcessStatus | undefined> {
    if (!this.#listens) return undefined;
    const id = this.#questions++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answered(id, undefined), STATUS_MS);
      timer.unref();
      this.#asked.set(id, (status) => {
        clearTimeout(timer);
        resolve(status);
      });
      this.#send({ type: 'status', id }).catch(() => this.#answered(id, undefined));
    });
  }

  /** Resolves when it has ended. @param cut - when it shall do so at once; without it never */
  async drain(cut: Promise<void> = new Promise(() => {})): Promise<void> {
    const isCut = cut.then(() => 'cut');
    if (!this.isDraining) {
      this.isDraining = true;
      this.#tell({ type: 'drain' });
      this.#killIfStuck();
    }
    if ((await Promise.race([this.ended, isCut])) !== 'cut') return;
    this.#tell({ type: 'cut' });
    const timer = setTimeout(() => this.worker.process.kill('SIGKILL'), CUT_MS);
    await this.ended;
    clearTimeout(timer);
  }

  #killIfStuck(): void {
    const ms = this.#config.shutdown.drain + LATE_MS;
    const timer = setTimeout(() => {
      const message = `process ${this.pid} does not end, and is killed ${ms / 1000} s after it was told to`;
      this.options.tell({ type: 'problem', message });
      this.worker.process.kill('SIGKILL');
    }, ms);
    void this.ended.then(() => clearTimeout(timer));
  }

  #hear(message: FromWorker): void {
    const { feeds, index, count, tell } = this.options;
    switch (message.type) {
      case 'hello': {
        this.#listens = true;
        const sources = [...feeds.values()].map(({ name, precedence, local }) => ({
          name,
          precedence,
          ...(local && { local }),
        }));
        this.#tell(
          this.isDraining ? { type: 'drain' } : { type: 'start', config: this.#config, sources, index, count },
        );
        return;
      }
      case 'watch': {
        const inUse = new BehaviorSubject(message.inUse);
        const feed = feeds.get(message.source)!;
        const context = { runtime: systemRuntime(), inUse };
        const box = new Outbox(message.watch, feed, context, (rules) => this.#send(rules));
        this.#outboxes.set(message.watch, { box, inUse });
        return;
      }
      case 'in-use':
        this.#outboxes.get(message.watch)?.inUse.next(message.inUse);
        return;
      case 'unwatch':
        this.#outboxes.get(message.watch)?.box.close();
        this.#outboxes.delete(message.watch);
        return;
      case 'report':
        tell(message.report);
        return;
      case 'health':
        this.health = message.health;
        this.listening = message.listening;
        if (!message.health.ready) return;
        this.wasReady = true;
        this.#isReady();
        return;
      case 'status':
        this.#answered(message.id, message.status);
    }
  }

  #answered(id: number, status: ProcessStatus | undefined): void {
    this.#asked.get(id)?.(status);
    this.#asked.delete(id);
  }

  /** What it missed before it listened is made up for when it does; that it is gone is told by its end. */
  #tell(message: ToWorker): void {
    if (this.#listens) this.#send(message).catch(() => {});
  }

  /** Resolves when it is written. */
  #send(message: ToWorker): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.worker.isConnected()) return reject(new Error(`${this.name} is gone`));
      this.worker.process.send(message, undefined, undefined, (error) => (error === null ? resolve() : reject(error)));
    });
  }
}
