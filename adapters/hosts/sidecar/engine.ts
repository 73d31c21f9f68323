import { createMesh, type DescribedService, type Mesh, type MeshNode } from '../../../src/index.js';
import type { LoadedConfig } from '../../node/config.js';
import { openMeshControl, type ProcessRole, type ProcessStatus, statusOf } from '../../node/control.js';
import { meshOptions, type StartOptions } from '../../node/start-mesh.js';
import type { Health } from './health.js';
import { giveHeapRoom } from './heap.js';
import { failureInWords, Listeners } from './listeners.js';
import type { OpenListener, SidecarReport } from './report.js';
import { undescribedInWords, undescribedServices, wantedListeners } from './wanted.js';

/** What the calls that are under way at the end of the drain time may take still, ms. */
const LAST_MS = 1000;
/** How often it is looked whether the rules came, once they did not come in time. */
const LOOK_MS = 500;

/**
 * A mesh and its listeners, in one process: the same whether it is the only one or a worker. It is ready once its rules are
 * in force and what was wanted then is listened to, and stays so: a change of rules that cannot be listened to is no reason
 * to take a working proxy out of service.
 */
export class Engine {
  #ready = false;
  #draining = false;
  #undescribed: ReadonlySet<string> = new Set();
  readonly #listeners: Listeners;
  readonly #changes: { unsubscribe(): void };

  private constructor(
    private readonly mesh: Mesh,
    private config: LoadedConfig,
    private readonly about: ProcessRole,
    private readonly tell: (report: SidecarReport) => void,
  ) {
    this.#listeners = new Listeners(mesh, {
      drainMs: () => this.config.shutdown.drain,
      opened: (open) => tell({ type: 'listening', ...open }),
      closed: (open) => tell({ type: 'closed', ...open }),
      failed: (it) => tell({ type: 'problem', message: failureInWords(it) }),
    });
    this.#changes = mesh.changes.subscribe(() => void this.#listen());
  }

  static async start(
    config: LoadedConfig,
    tell: (report: SidecarReport) => void,
    about: ProcessRole,
    extra: StartOptions,
  ): Promise<Engine> {
    giveHeapRoom();
    const mesh = createMesh(await meshOptions(config, extra));
    await openMeshControl(mesh, config, (message) => tell({ type: 'problem', message }), about);
    return new Engine(mesh, config, about, tell);
  }

  /**
   * Resolves when it is ready for the first time, or was drained before.
   * @throws Error - it never will be
   */
  async ready(): Promise<void> {
    // Its log has the reason.
    await this.mesh.ready().catch(() => undefined);
    while (!this.#draining && !(await this.#listen())) {
      const failed = this.mesh.status.sources.find(({ state, synced }) => state === 'failed' && !synced);
      if (failed !== undefined) throw new Error(`source ${failed.name} failed: ${failed.lastError?.message}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  get health(): Health {
    if (this.#ready) return { ready: true, why: [] };
    const rules = this.#missing.map((name) => `the rules of ${name} are not here yet`);
    return { ready: false, why: [...rules, ...this.#listeners.failed.map(failureInWords)] };
  }

  get listening(): readonly OpenListener[] {
    return this.#listeners.open;
  }

  get status(): ProcessStatus {
    return statusOf(this.mesh, this.config.node as MeshNode, this.about);
  }

  /** Listens by another configuration. The rest of it is not looked at. */
  async reload(config: LoadedConfig): Promise<void> {
    this.config = config;
    await this.#listen();
  }

  /** Accepts no more, and goes on serving until nobody is connected any more, the drain time is up, or it is cut short. */
  async drain(cut: Promise<void>): Promise<void> {
    this.#draining = true;
    this.#changes.unsubscribe();
    this.#listeners.stop();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.config.shutdown.drain);
    });
    const isCut = cut.then(() => true);
    const isOver = Promise.race([this.#listeners.idle(), late]).then(() => false);
    const drainMs = (await Promise.race([isCut, isOver])) ? 0 : LAST_MS;
    clearTimeout(timer);
    await Promise.race([this.mesh.close({ drainMs }), cut]);
  }

  get #missing(): readonly string[] {
    return this.mesh.status.sources.flatMap(({ name, synced }) => (synced ? [] : [name]));
  }

  /** Once each, until a rule describes it. */
  #tellUndescribed(described: readonly DescribedService[]): void {
    const services = undescribedServices(this.config, described);
    for (const service of services) {
      if (this.#undescribed.has(service)) continue;
      this.tell({ type: 'problem', message: undescribedInWords(service, described) });
    }
    this.#undescribed = new Set(services);
  }

  /** @returns whether it is ready */
  async #listen(): Promise<boolean> {
    if (this.#draining) return false;
    const described = this.mesh.described();
    await this.#listeners.want(wantedListeners(this.config, described));
    if (this.#missing.length === 0) this.#tellUndescribed(described);
    this.#ready ||= this.#missing.length === 0 && this.#listeners.failed.length === 0;
    return this.#ready;
  }
}
