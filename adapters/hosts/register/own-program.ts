import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, relative } from 'node:path';

/**
 * Is it a program of this package that runs: `meltemi`, or a worker of its sidecar? These govern by themselves, or not at all, and
 * have the preload only since a shell, or whoever started them, has it in its environment.
 */
export function isOwnProgram(program = process.argv[1]): boolean {
  if (program === undefined) return false;
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('meltemi/package.json'));
    return /^dist.(adapters|shared)\b/.test(relative(folder, realpathSync(program)));
  } catch {
    return false; // there is no such file: it is code of an argument
  }
}
