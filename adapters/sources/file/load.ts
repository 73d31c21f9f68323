/** Files and folders into one rule set. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RuleObject } from './kinds/index.js';
import { parseRules } from './parse.js';
import { blocks, type Problem } from './problem.js';
import { type Translation, translate } from './translate/index.js';
import { YAML_LIMITS } from './yaml-documents.js';

/** What a set of files says. */
export interface RuleSet extends Translation {
  /** No problem keeps it from being adopted. */
  readonly usable: boolean;
  /** Kinds that are none of ours, and how many of each. */
  readonly skipped: ReadonlyMap<string, number>;
  /** The files read, in the order in which they count as one document after the other. */
  readonly files: readonly string[];
}

/** Folders deeper than this, and more files than this, are refused: a rules path that names `/` must not be walked. */
const MAX_FOLDERS_DEEP = 8;
const MAX_FILES = 10_000;

/**
 * Reads and translates `paths` as one set. Folders are walked for `.yaml`, `.yml` and `.json`, in the order of their
 * names; names that begin with a dot are left out. What cannot be read is a problem like any other; never rejects.
 */
export async function loadRules(paths: readonly string[]): Promise<RuleSet> {
  const problems: Problem[] = [];
  const files: string[] = [];
  for (const path of paths) {
    await attempt(path, problems, async () => {
      if ((await stat(path)).isDirectory()) await walk(path, 0, files, problems);
      else files.push(path);
    });
  }
  const texts = new Map<string, string>();
  for (const file of new Set(files)) {
    await attempt(file, problems, async () => {
      if ((await stat(file)).size > YAML_LIMITS.maxLength * 4) throw new Error('the file is too large; split it');
      texts.set(file, await readFile(file, 'utf8'));
    });
  }
  return readRules(texts, problems);
}

/** The same from texts by file name. */
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

async function walk(folder: string, depth: number, files: string[], problems: Problem[]): Promise<void> {
  const entries = await readdir(folder);
  for (const name of entries.sort()) {
    if (name.startsWith('.') || name === 'node_modules') continue;
    const path = join(folder, name);
    await attempt(path, problems, async () => {
      // Through symbolic links: Kubernetes mounts a ConfigMap as links.
      const isFolder = (await stat(path)).isDirectory();
      if (isFolder && depth >= MAX_FOLDERS_DEEP) throw new Error(`more than ${MAX_FOLDERS_DEEP} folders deep`);
      if (isFolder) await walk(path, depth + 1, files, problems);
      else if (/\.(ya?ml|json)$/i.test(name)) files.push(path);
      if (files.length > MAX_FILES) throw new Error(`more than ${MAX_FILES} files of rules; name a smaller folder`);
    });
    if (files.length > MAX_FILES) return;
  }
}

async function attempt(path: string, problems: Problem[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const message = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    problems.push({ severity: 'error', file: path, line: 1, column: 1, object: '', field: '', message });
  }
}
