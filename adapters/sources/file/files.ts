/** Which files the paths of a configuration stand for, and a signature that changes whenever one of them may have. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, type Problem } from './problem.js';
import { YAML_LIMITS } from './yaml-documents.js';

/** Folders deeper than this, and more files than this, are refused: a rules path that names `/` must not be walked. */
const MAX_FOLDERS_DEEP = 8;
const MAX_FILES = 10_000;
/** In bytes; a character takes up to four. */
const MAX_FILE_SIZE = YAML_LIMITS.maxLength * 4;

export interface Listing {
  /** In the order in which they count as one document after the other, each once. */
  readonly files: readonly string[];
  /** Folders whose entries matter: those walked, and those that hold a file or folder that was named. */
  readonly folders: readonly string[];
  readonly totalBytes: number;
  readonly problems: readonly Problem[];
  /** Of names, inodes, sizes and times. */
  readonly signature: string;
}

/**
 * Folders are walked for `.yaml`, `.yml` and `.json` in the order of their names; names that begin with a dot are left
 * out. Symbolic links are followed: Kubernetes mounts a ConfigMap as links. Never rejects.
 */
export async function listFiles(paths: readonly string[]): Promise<Listing> {
  const walk = new Walk();
  for (const path of paths) await walk.named(path);
  return {
    files: [...walk.files.keys()],
    folders: [...walk.folders],
    totalBytes: walk.totalBytes,
    problems: walk.problems,
    signature: JSON.stringify([[...walk.files], walk.problems]),
  };
}

/** The texts by file name; what cannot be read is added to `problems`. */
export async function readFiles(files: readonly string[], problems: Problem[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const file of files) {
    await attempt(file, problems, async () => {
      texts.set(file, await readFile(file, 'utf8'));
    });
  }
  return texts;
}

class Walk {
  readonly files = new Map<string, string>();
  readonly folders = new Set<string>();
  readonly problems: Problem[] = [];
  totalBytes = 0;

  async named(path: string): Promise<void> {
    this.folders.add(dirname(path));
    await attempt(path, this.problems, async () => {
      const stats = await stat(path);
      if (stats.isDirectory()) await this.#folder(path, 0);
      else this.#file(path, stats);
    });
  }

  async #folder(folder: string, depth: number): Promise<void> {
    if (depth > MAX_FOLDERS_DEEP) throw new Error(`it is more than ${MAX_FOLDERS_DEEP} folders deep`);
    this.folders.add(folder);
    for (const name of (await readdir(folder)).sort()) {
      if (name.startsWith('.') || name === 'node_modules') continue;
      const path = join(folder, name);
      await attempt(path, this.problems, async () => {
        const stats = await stat(path);
        if (stats.isDirectory()) await this.#folder(path, depth + 1);
        else if (/\.(ya?ml|json)$/i.test(name)) this.#file(path, stats);
      });
    }
  }

  #file(path: string, stats: { ino: number; size: number; mtimeMs: number; ctimeMs: number }): void {
    if (stats.size > MAX_FILE_SIZE) throw new Error(`it is over ${MAX_FILE_SIZE} bytes; split it`);
    if (this.files.size >= MAX_FILES) throw new Error(`there are more than ${MAX_FILES} files; name a smaller folder`);
    if (!this.files.has(path)) this.totalBytes += stats.size;
    this.files.set(path, `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`);
  }
}

async function attempt(path: string, problems: Problem[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const message = `cannot be read: ${messageOf(error)}`;
    problems.push({ severity: 'error', file: path, line: 1, column: 1, object: '', field: '', message });
  }
}
