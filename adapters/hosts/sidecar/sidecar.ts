import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { LoadedConfig } from '../../node/config.js';
import { type Health, openHealth } from './health.js';
import type { Host } from './host.js';
import { unlessGivenUp } from './reload.js';
import type { SidecarReport } from './report.js';
import { Signals } from './signals.js';
import { Single } from './single.js';
import { Primary } from './workers/primary.js';

/** How long a configuration that is read again may take to be in force. Ends and later SIGHUPs wait for no other reason. */
const RELOAD_MS = 60_000;
const ENDED = Symbol();

export interface SidecarOptions {
  /** Reads the configuration, at the start and at each SIGHUP. */
  readonly load: () => Promise<LoadedConfig>;
  readonly tell: (report: SidecarReport) => void;
}

/**
 * Runs a sidecar until SIGTERM or SIGINT. Then it is not ready any more; after `shutdown.grace`, in which callers learn of
 * that, it takes no more connections, and serves those it has until they are gone, for `shutdown.drain` at most. A second
 * signal cuts that short. SIGHUP has configuration and rules read again.
 * @returns the exit code: 0 ended in order, 1 was cut short
 * @throws Error - the configuration is wrong, the rules cannot be used at the start, or the health checks' port cannot be
 * listened on
 */
export async function runSidecar({ load, tell }: SidecarOptions): Promise<number> {
  const signals = new Signals();
  // Whatever else there is may be unreferenced, and the process is not to end by itself.
  const alive = setInterval(() => {}, 2 ** 30);
  try {
    return await new Sidecar(async () => asSidecar(await load()), tell, signals).run();
  } finally {
    signals.close();
    clearInterval(alive);
  }
}

class Sidecar {
  #config!: LoadedConfig;
  #host: Host | undefined;
  #ending = false;
  #giveUp: AbortController | undefined;
  #reloading: Promise<void> = Promise.resolve();

  constructor(
    private readonly load: () => Promise<LoadedConfig>,
    private readonly tell: (report: SidecarReport) => void,
    private readonly signals: Signals,
  ) {}

  async run(): Promise<number> {
    const { signals, tell } = this;
    const config = await this.#unlessEnded(this.load());
    if (config === undefined) return this.#exitCode;
    this.#config = config;
    const at = this.#config.listeners.health;
    const server = await openHealth(
      at,
      () => this.#health,
      (message) => tell({ type: 'problem', message }),
    );
    try {
      const starting = (this.#config.workers > 1 ? Primary : Single).start(this.#config, tell);
      const host = await this.#unlessEnded<Host>(starting);
      if (host === undefined) return this.#exitCode;
      this.#host = host;
      const { port } = server.address() as AddressInfo;
      const failed = host.ready().then(() => {
        if (!this.#ending)
          tell({ type: 'ready', pid: process.pid, health: { host: at.host, port }, listeners: host.listening });
        return signals.end;
      });
      signals.onReload(() => {
        this.#reloading = this.#reloading.then(() => this.#reload(host));
      });
      await this.#end(await Promise.race([signals.end, failed]), host);
    } catch (error) {
      await this.#host?.drain(Promise.resolve());
      throw error;
    } finally {
      server.close();
      // Who has sent no request is not idle for Node, and may never send one.
      server.closeAllConnections();
    }
    return this.#exitCode;
  }

  /** What a module of the configuration waits for may never come. @returns undefined: it is told to end first */
  async #unlessEnded<T>(work: Promise<T>): Promise<T | undefined> {
    const first = await Promise.race([work, this.signals.end.then(() => ENDED)]);
    if (first !== ENDED) return first as T;
    this.#ending = true;
    this.tell({ type: 'ending', signal: await this.signals.end, graceMs: 0, drainMs: 0 });
    return undefined;
  }

  get #exitCode(): number {
    return this.signals.isCut ? 1 : 0;
  }

  get #health(): Health {
    if (this.#ending) return { ready: false, why: ['it ends'] };
    return this.#host?.health ?? { ready: false, why: ['it starts'] };
  }

  async #reload(host: Host): Promise<void> {
    if (this.#ending) return;
    const giveUp = new AbortController();
    this.#giveUp = giveUp;
    const late = setTimeout(
      () => giveUp.abort(new Error(`what it asks for is not all there after ${RELOAD_MS / 1000} s`)),
      RELOAD_MS,
    );
    try {
      const config = await unlessGivenUp(giveUp.signal, this.load());
      if (!isDeepStrictEqual(config.listeners.health, this.#config.listeners.health)) {
        this.tell({ type: 'problem', message: 'a change of listeners.health holds from the next start on' });
      }
      await host.reload(config, giveUp.signal);
      this.#config = config;
      this.tell({ type: 'reloaded' });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.tell({ type: 'problem', message: `the configuration before stays: ${reason}` });
    } finally {
      clearTimeout(late);
    }
  }

  /** Nobody is sent here who has heard that it isn't ready; before it ever was, nobody was. */
  async #end(signal: NodeJS.Signals, host: Host): Promise<void> {
    const { grace, drain } = this.#config.shutdown;
    const graceMs = host.health.ready ? grace : 0;
    this.#ending = true;
    this.tell({ type: 'ending', signal, graceMs, drainMs: drain });
    this.#giveUp?.abort(new Error('the sidecar ends'));
    await Promise.race([this.#reloading, this.signals.cut]);
    await this.signals.unlessCut(graceMs);
    await host.drain(this.signals.cut);
  }
}

/** Nothing is beside the sidecar: what a configuration that it shares with the app says of it is about itself. */
function asSidecar(config: LoadedConfig): LoadedConfig {
  const { outbound } = config.listeners;
  const ports = { ...config.sidecar.ports, ...outbound.ports };
  return {
    ...config,
    placement: 'auto',
    sidecar: { captures: 'none', ports: {} },
    listeners: { ...config.listeners, outbound: { ...outbound, ports } },
  };
}
