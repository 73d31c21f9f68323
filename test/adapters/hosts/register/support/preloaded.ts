import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Peer, startPeer } from '../../../../../examples/demo/peers/start-peer.js';

const root = join(import.meta.dirname, '../../../../..');

/** Runs unmodified programs in processes of their own, with the mesh in front of their servers. */
export class Preloaded {
  private files = 0;

  private constructor(private readonly folder: string) {}

  static async create(): Promise<Preloaded> {
    await mkdir(join(root, 'dist'), { recursive: true });
    const folder = await mkdtemp(join(root, 'dist/inbound-'));
    await build({
      entryPoints: [join(import.meta.dirname, 'preload.ts')],
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', packages: 'external', logLevel: 'error' },
    });
    return new Preloaded(folder);
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
    return rm(this.folder, { recursive: true, force: true });
  }

  private async env(rules: string): Promise<NodeJS.ProcessEnv> {
    const file = join(this.folder, `rules-${this.files++}.yaml`);
    await writeFile(file, rules);
    return { NODE_OPTIONS: `--import ${join(this.folder, 'preload.mjs')}`, RULES: file };
  }
}

export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}
