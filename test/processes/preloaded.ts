import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Peer, startPeer } from '../../examples/demo/peers/start-peer.js';
import { type PackageFolder, packageFolder } from '../support/package-folder.js';

const root = join(import.meta.dirname, '../..');

/** Runs unmodified programs in processes of their own, with the mesh in front of their servers. */
export class Preloaded {
  private files = 0;

  private constructor(private readonly folder: PackageFolder) {}

  static async create(): Promise<Preloaded> {
    return new Preloaded(await packageFolder());
  }

  /** A program that says when it is ready; see {@link startPeer}. */
  async peer(rules: string, file: string, args: readonly string[]): Promise<Peer> {
    return startPeer(file, args, { env: await this.env(rules) });
  }

  /** Runs a program to its end, governed by the rules, or without the mesh. */
  async run(args: readonly string[], rules?: string): Promise<Ended> {
    const env = { ...process.env, NODE_OPTIONS: '', ...(rules === undefined ? {} : await this.env(rules)) };
    return new Promise((resolve) => {
      const options = { cwd: root, env, timeout: 30_000 };
      const child = execFile(process.execPath, args, options, (_error, stdout, stderr) =>
        resolve({ stdout, stderr, code: child.exitCode, signal: child.signalCode }),
      );
    });
  }

  remove(): Promise<void> {
    return this.folder.remove();
  }

  private async env(rules: string): Promise<NodeJS.ProcessEnv> {
    const { path } = this.folder;
    const file = join(path, `rules-${this.files++}.yaml`);
    await writeFile(file, rules);
    const register = join(path, 'node_modules/meltemi/dist/adapters/hosts/register/register.js');
    return { NODE_OPTIONS: `--import ${register}`, MELTEMI_RULES: file, MELTEMI_NODE_LABELS: 'app=demo' };
  }
}

export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}
