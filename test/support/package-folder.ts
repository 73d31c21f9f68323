import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../..');

/** A folder in which `import 'meltemi'` means this working copy, for programs that run in a process of their own. */
export interface PackageFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/**
 * Bundles the sources as they are now, types unchecked, so that tests need no build. The folder lies under `dist`: there its
 * imports of npm packages resolve to the working copy's.
 */
export async function packageFolder(): Promise<PackageFolder> {
  await mkdir(join(root, 'dist'), { recursive: true });
  const path = await mkdtemp(join(root, 'dist/try-'));
  const installed = join(path, 'node_modules/meltemi');
  await mkdir(installed, { recursive: true });
  await writeFile(join(path, 'package.json'), '{ "name": "try", "private": true, "type": "module" }\n');
  await writeFile(join(installed, 'package.json'), await readFile(join(root, 'package.json')));
  await promisify(execFile)(process.execPath, [join(root, 'build.mjs'), join(installed, 'dist')]);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
