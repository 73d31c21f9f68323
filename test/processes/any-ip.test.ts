import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { packageFolder } from '../support/package-folder.js';
import { provider } from './sidecar-process.js';

const run = promisify(execFile);
const IN_NAMESPACE = ['--net', '--map-root-user'];

test("a service's own address of 240.240.0.0/16 is listened to, where one route makes it local", async () => {
  const can = await run('unshare', [...IN_NAMESPACE, 'ip', 'link', 'set', 'lo', 'up']).catch((error: Error) => error);
  if (can instanceof Error) {
    console.log(`skipped: own addresses in a network namespace, as none can be made here: ${can.message.trim()}`);
    return;
  }
  const [folder, work] = [await packageFolder(), mkdtempSync(join(tmpdir(), 'meltemi-any-ip-'))];
  try {
    const script = join(import.meta.dirname, 'any-ip.mjs');
    const bin = join(folder.path, 'node_modules/meltemi/dist/adapters/cli/bin.js');
    const args = [...IN_NAMESPACE, process.execPath, script, bin, provider, work];
    const { stdout } = await run('unshare', args, { env: { ...process.env, NODE_OPTIONS: '' }, timeout: 30_000 });
    expect(stdout).toBe('Hello 240.240.0.7, from v1\n');
  } finally {
    rmSync(work, { recursive: true });
    await folder.remove();
  }
});
