/**
 * Several processes that serve the same listeners, for more than one core. The primary follows the sources of rules, tells
 * the workers what they say, starts a worker anew that dies, and accepts connections, which it deals out in turn. Not the
 * kernel: a connection between services lives for hours, so that what counts is that each worker has as many; those who
 * accept from one socket, or from several of one port, get them by chance. Dealing costs a connection some 0.1 ms, once.
 */
import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type { MeshNode } from '../../../../src/index.js';
import type { LoadedConfig } from '../../../node/config.js';
import { type Control, openStatus, processOf, type WorkersStatus } from '../../../node/control.js';
import type { Health } from '../health.js';
import type { Host } from '../host.js';
import { changedParts, unlessGivenUp } from '../reload.js';
import type { OpenListener, SidecarReport } from '../report.js';
import { type Feeds, Sources } from '../sources.js';
import { WorkerProcess } from './worker-process.js';

const RESTART_BASE_MS = 100;
const RESTART_MAX_MS = 10_000;

export class Primary implements Host {
  /** By their index; undefined: to be started anew. */
  readonly #workers: (WorkerProcess | undefined)[];
  readonly #restarts = new Map<number, NodeJS.Timeout>();
  /** All that live, those too that drain since another has their place. */
  readonly #alive = new Set<WorkerProcess>();
  /** How often a worker died soon after it was started, by its index. */
  readonly #deaths: number[];
  /** Listeners that were told to be open. */
  readonly #told = new Map<string, OpenListener>();
  #wasReady = false;
  #draining = false;
  #control: Control | undefined;

  private constructor(
    private config: LoadedConfig,
    private readonly sources: Sources,
    private readonly tell: (report: SidecarReport) => void,
  ) {
    const { workers } = config;
    cluster.schedulingPolicy = cluster.SCHED_RR;
    const exec = fileURLToPath(new URL('./sidecar-worker.js', import.meta.url));
    cluster.setupPrimary({ exec, args: [], serialization: 'advanced' });
    this.#deaths = Array(workers).fill(0);
    this.#workers = this.#forkAll(config, sources.feeds);
  }

  static async start(config: LoadedConfig, tell: (report: SidecarReport) => void): Promise<Primary> {
    checkPorts(config);
    const primary = new Primary(config, await Sources.of(config), tell);
    primary.#control = await openStatus(
      () => primary.status(),
      config,
      (line) => primary.#problem(line),
    );
    return primary;
  }

  async ready(): Promise<void> {
    await Promise.all(this.#workers.map((it) => it && this.#readyAt(it)));
    this.#wasReady = true;
  }

  /** That one, or whichever is in its place by then: a configuration that is read again may help one that cannot get ready. */
  async #readyAt(worker: WorkerProcess): Promise<void> {
    try {
      await worker.ready;
    } catch (error) {
      if (!worker.isDraining) throw error;
      const next = this.#workers[worker.index];
      if (next !== undefined && next !== worker) await this.#readyAt(next);
    }
  }

  /** Once all were ready one is enough: the others are being started anew. */
  get health(): Health {
    const standing = this.#workers.map((it) => it?.health ?? { ready: false, why: ['it is being started anew'] });
    const ready = this.#wasReady ? standing.some((it) => it.ready) : standing.every((it) => it.ready);
    if (ready) return { ready, why: [] };
    return {
      ready,
      why: [...new Set(standing.flatMap(({ why }, index) => why.map((it) => `worker ${index + 1}: ${it}`)))],
    };
  }

  get listening(): readonly OpenListener[] {
    return this.#workers.find((it) => it?.health.ready)?.listening ?? [];
  }

  get workers(): readonly WorkerProcess[] {
    return this.#workers.filter((it) => it !== undefined);
  }

  async status(): Promise<WorkersStatus> {
    const workers = await Promise.all(this.#workers.map((it) => it?.status()));
    const { node } = this.config;
    return { format: 1, process: processOf({ program: 'sidecar' }), node: node as MeshNode, workers };
  }

  async reload(config: LoadedConfig, giveUp: AbortSignal): Promise<void> {
    if (config.workers !== this.config.workers) {
      this.#problem('a change of workers holds from the next start on');
      config = { ...config, workers: this.config.workers };
    }
    checkPorts(config);
    const changed = changedParts(this.config, config);
    const failed = this.sources.haveFailed;
    const feeds = await this.sources.reread(config, giveUp);
    if (changed.length > 0 || failed || !this.sources.has(feeds)) {
      this.#replaceAll(await this.#successors(config, feeds, giveUp));
    } else for (const worker of this.workers) worker.reload(config);
    this.config = config;
    this.sources.keep(feeds);
  }

  async drain(cut: Promise<void>): Promise<void> {
    this.#draining = true;
    for (const restart of this.#restarts.values()) clearTimeout(restart);
    await Promise.all([...this.#alive].map((it) => it.drain(cut)));
    this.sources.close();
    this.#control?.close();
  }

  #forkAll(config: LoadedConfig, feeds: Feeds): WorkerProcess[] {
    return Array.from({ length: config.workers }, (_, index) => this.#fork(index, config, feeds));
  }

  #fork(index: number, config: LoadedConfig, feeds: Feeds): WorkerProcess {
    const tell = (report: SidecarReport) => this.#pass(report, worker);
    const options = { config, feeds, index, count: config.workers, tell };
    const worker: WorkerProcess = new WorkerProcess(cluster.fork(), options);
    this.#alive.add(worker);
    const begun = performance.now();
    void worker.ended.then((how) => {
      this.#alive.delete(worker);
      this.#ended(worker, how, performance.now() - begun);
    });
    return worker;
  }

  #ended(worker: WorkerProcess, how: string, livedMs: number): void {
    const { index } = worker;
    if (worker.isDraining || this.#draining || this.#workers[index] !== worker) return;
    this.#workers[index] = undefined;
    if (livedMs > RESTART_MAX_MS) this.#deaths[index] = 0;
    const waitMs = Math.min(RESTART_BASE_MS * 2 ** this.#deaths[index]!++, RESTART_MAX_MS);
    // Before any start has succeeded this is the end of all.
    if (!this.#wasReady && !worker.wasReady) return;
    this.#problem(`${worker.name} ended with ${how}; another is started in ${waitMs} ms`);
    const restart = () => {
      this.#restarts.delete(index);
      const worker = this.#fork(index, this.config, this.sources.feeds);
      this.#workers[index] = worker;
      // If it dies as well, that is told.
      worker.ready.then(
        () => this.tell({ type: 'restarted', worker: index + 1, pid: worker.pid }),
        () => {},
      );
    };
    this.#restarts.set(index, setTimeout(restart, waitMs));
  }

  /** @throws Error - they are not all ready, and are ended: nothing has changed */
  async #successors(config: LoadedConfig, feeds: Feeds, giveUp: AbortSignal): Promise<readonly WorkerProcess[]> {
    const next = this.#forkAll(config, feeds);
    const allReady = Promise.all(next.map((it) => it.ready));
    const anyEnded = next.map(async (it): Promise<never> => {
      throw new Error(`${it.name} ended with ${await it.ended} before all were ready`);
    });
    try {
      await unlessGivenUp(giveUp, Promise.race([...anyEnded, allReady]));
      return next;
    } catch (error) {
      const late = next.find((it) => !it.health.ready);
      // They may have been dealt connections.
      for (const it of next) void it.drain();
      this.sources.discard(feeds);
      this.#tellClosed();
      if (!giveUp.aborted || late === undefined) throw error;
      throw new Error(`${(error as Error).message}: ${late.name}: ${late.health.why.join('; ')}`);
    }
  }

  #replaceAll(next: readonly WorkerProcess[]): void {
    for (const restart of this.#restarts.values()) clearTimeout(restart);
    this.#restarts.clear();
    for (const it of next) {
      const before = this.#workers[it.index];
      this.#workers[it.index] = it;
      void before?.drain();
    }
    this.#tellClosed();
  }

  /** What was told to be open, and only workers had that are no longer among these, or never came to be. */
  #tellClosed(): void {
    const listening = this.workers.flatMap((it) => it.listening);
    const open = new Set(listening.map(({ listener }) => JSON.stringify(listener)));
    for (const [key, report] of this.#told) {
      if (open.has(key)) continue;
      this.#told.delete(key);
      this.tell({ type: 'closed', ...report });
    }
  }

  /** What all workers say is told once. */
  #pass(report: SidecarReport, { index, isDraining }: WorkerProcess): void {
    if (report.type === 'problem') this.#problem(`worker ${index + 1}: ${report.message}`);
    if (isDraining || (report.type !== 'listening' && report.type !== 'closed')) return;
    const key = JSON.stringify(report.listener);
    const known = this.#told.has(key);
    if (known === (report.type === 'listening')) return;
    if (known) this.#told.delete(key);
    else this.#told.set(key, { listener: report.listener, port: report.port });
    this.tell(report);
  }

  #problem(message: string): void {
    this.tell({ type: 'problem', message });
  }
}

/**
 * Workers share what they listen on by its port.
 * @throws Error - one is to be chosen
 */
export function checkPorts({ listeners: { outbound, inbound } }: LoadedConfig): void {
  const ports = [...Object.values(outbound.ports), ...inbound.map(({ port }) => port)];
  if (ports.includes(0)) throw new Error('listeners: with several workers each port must be a certain one, not 0');
}
