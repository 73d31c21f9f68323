/**
 * Last-good rules in a folder, a file a source. A file is written beside its place, synced and renamed, so that at each
 * moment there is a whole one. It is 0600, and trusted only if it is this user's and nobody else can write to it: whoever
 * may write these files decides where calls go. What cannot be used is set aside as `*.bad`, one at most, for people.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Runtime, systemRuntime } from '../../runtime/index.js';
import { decode, encode } from './format.js';
import type { LastGoodStore, StoredRules } from './last-good.js';

/** Where last-good rules are kept, and how much of them. */
export interface LastGoodFilesOptions {
  /** Made, for this user alone, when it isn't there. Several processes may share it: the last to write stays. */
  readonly directory: string;
  /** Of a file; a larger one is neither written nor read. @defaultValue 64 MiB: about 60,000 services */
  readonly maxBytes?: number;
  /** @defaultValue the system's */
  readonly runtime?: Runtime;
}

/** What a crash left behind is of this age at least: nobody writes that long. */
const LEFT_BEHIND_MS = 3_600_000;

/** Errors of a file that somebody else made. */
const NOT_OURS: ReadonlySet<string> = new Set(['EACCES', 'EPERM']);

/** A {@link LastGoodStore} on disk. A file that is missing, or a folder, is no error until something is to be stored. */
export function lastGoodFiles(options: LastGoodFilesOptions): LastGoodStore {
  return new LastGoodFiles(options);
}

class LastGoodFiles implements LastGoodStore {
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #runtime: Runtime;

  constructor({ directory, maxBytes = 64 * 1024 * 1024, runtime = systemRuntime() }: LastGoodFilesOptions) {
    this.#directory = directory;
    this.#maxBytes = maxBytes;
    this.#runtime = runtime;
  }

  async load(source: string): Promise<StoredRules | undefined> {
    const path = this.#pathOf(source);
    await this.#sweep(path);
    try {
      const bytes = await readTrusted(path, this.#maxBytes);
      return bytes && decode(source, bytes);
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException;
      // The disk's trouble is not the file's.
      const aside = code === undefined || NOT_OURS.has(code) ? `; ${await setAside(path)}` : '';
      throw new Error(`${path} is not used: ${message}${aside}`);
    }
  }

  async save(source: string, rules: StoredRules): Promise<void> {
    const path = this.#pathOf(source);
    const chance = Math.floor(this.#runtime.random() * 2 ** 32).toString(16);
    const temporary = `${path}.${process.pid}-${chance}.tmp`;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        await this.#write(file, source, rules);
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
    await syncFolder(dirname(path));
  }

  async #write(file: FileHandle, source: string, rules: StoredRules): Promise<void> {
    let bytes = 0;
    for (const piece of encode(source, rules)) {
      bytes += piece.length;
      if (bytes > this.#maxBytes) throw new Error(`the rules of ${source} take more than ${this.#maxBytes} bytes`);
      await file.appendFile(piece);
    }
    await file.sync();
  }

  #pathOf(source: string): string {
    return join(this.#directory, `${encodeURIComponent(source)}.rules`);
  }

  /** Takes away what writers left behind that died. */
  async #sweep(path: string): Promise<void> {
    const names = await readdir(this.#directory).catch((): string[] => []);
    const before = this.#runtime.wallNow() - LEFT_BEHIND_MS;
    for (const name of names) {
      const other = join(this.#directory, name);
      if (!other.startsWith(`${path}.`) || !other.endsWith('.tmp')) continue;
      const age = await stat(other).catch(() => undefined);
      if (age !== undefined && age.mtimeMs < before) await unlink(other).catch(() => undefined);
    }
  }
}

/** @returns undefined if it isn't there. */
async function readTrusted(path: string, maxBytes: number): Promise<Buffer | undefined> {
  // A link is refused, a pipe is not waited for.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error.code === 'ELOOP' ? new Error('it is a link') : error;
  });
  if (file === undefined) return undefined;
  try {
    const stats = await file.stat();
    const me = process.getuid?.();
    if (!stats.isFile()) throw new Error('it is no file');
    if (me !== undefined && stats.uid !== me) throw new Error(`it belongs to user ${stats.uid}, not to ${me}`);
    if (me !== undefined && (stats.mode & 0o077) !== 0)
      throw new Error('it is open to other users; it needs mode 0600');
    if (stats.size > maxBytes) throw new Error(`it has ${stats.size} bytes, more than ${maxBytes}`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** @returns what became of it, for people. */
async function setAside(path: string): Promise<string> {
  return rename(path, `${path}.bad`).then(
    () => `it is now ${path}.bad`,
    (error: Error) => `nor can it be set aside: ${error.message}`,
  );
}

/** So that the renaming outlives a power cut too. Not every system can. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
