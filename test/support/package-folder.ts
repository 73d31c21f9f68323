import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type Options, transform } from '@swc/core';

const root = join(import.meta.dirname, '../..');
const jestConfig = join(root, 'jest.config.js');

/** A folder in which `import 'meltemi'` means this working copy, for programs that run in a process of their own. */
export interface PackageFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/**
 * Compiles src and adapters as jest does, types unchecked, so that tests need no build. The folder lies under `dist`: there
 * its imports of npm packages resolve to the working copy's.
 */
export async function packageFolder(): Promise<PackageFolder> {
  await mkdir(join(root, 'dist'), { recursive: true });
  const path = await mkdtemp(join(root, 'dist/try-'));
  const installed = join(path, 'node_modules/meltemi');
  await mkdir(installed, { recursive: true });
  await writeFile(join(path, 'package.json'), '{ "name": "try", "private": true, "type": "module" }\n');
  await writeFile(join(installed, 'package.json'), await readFile(join(root, 'package.json')));
  await Promise.all(['src', 'adapters'].map((folder) => compile(folder, join(installed, 'dist'))));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

async function compile(folder: string, out: string): Promise<void> {
  const { default: config } = (await import(jestConfig)) as {
    default: { transform: Record<string, [string, Options]> };
  };
  const [, options] = config.transform['^.+\\.ts$']!;
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  const sources = entries.filter((it) => it.isFile() && it.name.endsWith('.ts') && !it.name.endsWith('.d.ts'));
  await Promise.all(
    sources.map(async ({ parentPath, name }) => {
      const source = join(parentPath, name);
      const target = join(out, relative(root, source)).replace(/\.ts$/, '.js');
      const { code } = await transform(await readFile(source, 'utf8'), { ...options, filename: source });
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, code);
    }),
  );
}
