import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { OpenListener, SidecarReport } from '../../adapters/hosts/sidecar/index.js';
import type { MeshConfig } from '../../adapters/node/index.js';
import { type Peer, startPeer } from '../../examples/demo/peers/start-peer.js';
import { type PackageFolder, packageFolder } from '../support/package-folder.js';

export const provider = join(import.meta.dirname, '../../examples/demo/peers/provider.mjs');
/** On Linux, all of this is loopback without being told. */
export const VIP = '127.240.0.1';

/** What sidecars of a test stand between, and the package they are run from. */
export interface Scene {
  readonly v1: Peer;
  readonly v2: Peer;
  readonly folder: PackageFolder;
  stop(): Promise<void>;
}

export async function startScene(): Promise<Scene> {
  const [v1, v2, folder] = await Promise.all([
    startPeer(provider, ['--name', 'v1']),
    startPeer(provider, ['--name', 'v2']),
    packageFolder(),
  ]);
  const stop = async () => {
    await Promise.all([v1.stop(), v2.stop(), folder.remove()]);
  };
  return { v1, v2, folder, stop };
}

type Ready = Extract<SidecarReport, { type: 'ready' }>;

/** `meltemi sidecar`, as a process of its own in a folder of its own. */
export class SidecarProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'meltemi-sidecar-'));
  /** What it said so far on stdout. */
  readonly reports: SidecarReport[] = [];
  /** What it, or its mesh, logged. */
  log = '';
  #child: ChildProcess | undefined;
  #ended: Promise<unknown[]> | undefined;
  #wake = () => {};

  /** As editors and `kubectl`'s mounts replace a file. */
  write(name: string, content: string): void {
    writeFileSync(join(this.folder, 'new'), content);
    renameSync(join(this.folder, 'new'), join(this.folder, name));
  }

  configure(config: MeshConfig): void {
    const health = { port: 0 };
    const whole = { ...config, listeners: { health, ...config.listeners } };
    this.write('meltemi.config.yaml', JSON.stringify(whole));
  }

  /** @param installed - the package, built */
  start(installed: string, ...args: string[]): this {
    const bin = join(installed, 'node_modules/meltemi/dist/adapters/cli/bin.js');
    const env = { ...process.env, NODE_OPTIONS: '', TMPDIR: this.folder };
    const child = spawn(process.execPath, [bin, 'sidecar', '--json', ...args], {
      cwd: this.folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#ended = once(child, 'close');
    void this.#ended.then(() => this.#wake());
    createInterface(child.stdout).on('line', (line) => {
      this.reports.push(JSON.parse(line) as SidecarReport);
      this.#wake();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      this.log += chunk;
      this.#wake();
    });
    return this;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  async until<T>(what: string, found: () => T | undefined): Promise<T> {
    for (;;) {
      const value = found();
      if (value !== undefined) return value;
      const { exitCode, signalCode } = this.#child!;
      if (exitCode !== null || signalCode !== null) throw new Error(`ended before ${what}:\n${this.log}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** @param nth - which of them, from 0 */
  report<T extends SidecarReport['type']>(type: T, nth = 0): Promise<Extract<SidecarReport, { type: T }>> {
    return this.until(type, () => this.reports.filter((it) => it.type === type)[nth]) as never;
  }

  ready(): Promise<Ready> {
    return this.report('ready');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child!.kill(signal);
  }

  /** Nobody reads any more what it says. */
  deafen(): void {
    this.#child!.stdout!.destroy();
    this.#child!.stderr!.destroy();
  }

  /** What it found wrong last. */
  get lastProblem(): string | undefined {
    return this.problems.at(-1);
  }

  get problems(): string[] {
    return this.reports.flatMap((it) => (it.type === 'problem' ? [it.message] : []));
  }

  /** Resolves with the exit code, or the signal that ended it. */
  async ended(): Promise<unknown> {
    const [code, signal] = await this.#ended!;
    return code ?? signal;
  }

  async remove(): Promise<void> {
    if (this.#child !== undefined) {
      this.signal('SIGKILL');
      await this.ended();
    }
    rmSync(this.folder, { recursive: true });
  }
}

/** The port of the listener that stands for a service, or leads to an app's port. */
export function portOf(listeners: readonly OpenListener[], kind: 'outbound' | 'inbound', host?: string): number {
  const found = listeners.find((it) => it.listener.kind === kind && (host ?? it.listener.host) === it.listener.host);
  return found!.port;
}

/** What a probe answers: status and text. */
export async function probe(ready: Ready | { health: Ready['health'] }, path = '/healthz/ready'): Promise<string> {
  const { host, port } = ready.health;
  const response = await fetch(`http://${host}:${port}${path}`);
  return `${response.status} ${(await response.text()).trimEnd()}`;
}
