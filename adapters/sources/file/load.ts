/** Files and folders into one rule set; large ones in a worker thread, since 300 routes of YAML cost 100 ms. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Listing, listFiles, readFiles } from './files.js';
import type { RuleObject } from './kinds/index.js';
import { parseRules } from './parse.js';
import { blocks, messageOf, type Problem } from './problem.js';
import { type Translation, translate } from './translate/index.js';

/** What a set of files says. Plain data: it crosses threads. */
export interface RuleSet extends Translation {
  /** No problem keeps it from being adopted. */
  readonly usable: boolean;
  /** Kinds that are none of ours, and how many of each. */
  readonly skipped: ReadonlyMap<string, number>;
  /** The files read, in the order in which they count as one document after the other. */
  readonly files: readonly string[];
}

/** A set, and how it was read. */
export interface LoadedRules extends RuleSet {
  /** Where it was parsed, and why there. */
  readonly parsedOn: string;
}

/** How files are read. */
export interface LoadOptions {
  /** Files of more bytes together are parsed in a worker thread. @defaultValue 256 KiB: about 100 ms */
  readonly workerAbove?: number;
  readonly signal?: AbortSignal;
}

/**
 * Reads and translates `paths` as one set. What is wrong, unreadable files included, is in `problems`.
 * @throws only the reason of `signal`.
 */
export async function loadRules(paths: readonly string[], options: LoadOptions = {}): Promise<LoadedRules> {
  return loadListing(await listFiles(paths), options);
}

export async function loadListing(listing: Listing, options: LoadOptions = {}): Promise<LoadedRules> {
  const { workerAbove = 256 * 1024, signal } = options;
  signal?.throwIfAborted();
  let parsedOn = `the main thread: at most ${workerAbove} bytes`;
  if (listing.totalBytes > workerAbove) {
    const compiled = new URL('./load-worker.js', import.meta.url);
    if (existsSync(fileURLToPath(compiled))) {
      try {
        return { ...(await inWorker(compiled, listing, signal)), parsedOn: 'a worker thread' };
      } catch (error) {
        signal?.throwIfAborted();
        parsedOn = `the main thread: the worker thread failed: ${messageOf(error)}`;
      }
    } else parsedOn = 'the main thread: running from sources, where there is no compiled worker';
  }
  return { ...(await readListing(listing)), parsedOn };
}

/** What the worker runs. */
export async function readListing(listing: Pick<Listing, 'files' | 'problems'>): Promise<RuleSet> {
  const problems = [...listing.problems];
  return readRules(await readFiles(listing.files, problems), problems);
}

/** The set that texts by file name make. Pure. */
export function readRules(texts: ReadonlyMap<string, string>, found: readonly Problem[] = []): RuleSet {
  const problems = [...found];
  const objects: RuleObject[] = [];
  const skipped = new Map<string, number>();
  for (const [file, text] of texts) {
    const parsed = parseRules(text, file);
    for (const problem of parsed.problems) problems.push(problem);
    for (const object of parsed.objects) objects.push(object);
    for (const [kind, count] of parsed.skipped) skipped.set(kind, (skipped.get(kind) ?? 0) + count);
  }
  const translation = translate(objects);
  for (const problem of translation.problems) problems.push(problem);
  return { ...translation, problems, usable: !problems.some(blocks), skipped, files: [...texts.keys()] };
}

function inWorker(entry: URL, listing: Listing, signal: AbortSignal | undefined): Promise<RuleSet> {
  return new Promise((resolve, reject) => {
    const { files, problems } = listing;
    // Without the process's own options: `--import meltemi/register` would start a mesh in the worker.
    const env = { ...process.env, NODE_OPTIONS: '' };
    const options = { workerData: { files, problems }, name: 'meltemi rules', execArgv: [], env };
    const worker = new Worker(entry, options);
    const abort = () => {
      reject(signal?.reason);
      void worker.terminate();
    };
    signal?.addEventListener('abort', abort, { once: true });
    worker.once('message', (rules: RuleSet) => resolve(rules));
    worker.once('error', reject);
    worker.once('exit', (code) => {
      signal?.removeEventListener('abort', abort);
      reject(new Error(`it ended with code ${code}`));
    });
  });
}
