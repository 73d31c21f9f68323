/**
 * Holds the manifests of deploy/ to Kubernetes' own schemas, strictly, by PyPI's kubernetes-validate, which carries them. It
 * is installed into a virtual environment of its own; where it cannot be, this is skipped, with the reason.
 *
 *     node test/deploy/kubernetes.mjs
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url));
const VERSION = '1.37.0';
const folder = mkdtempSync(join(tmpdir(), 'meltemi-kubernetes-'));

function run(command, ...args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 300_000 });
  return { ok: status === 0, said: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim() };
}

function prepare() {
  const made = run('python3', '-m', 'venv', folder);
  if (!made.ok) return `no virtual environment can be made: ${made.said.split('\n').at(-1)}`;
  const pip = run(join(folder, 'bin/pip'), 'install', '--quiet', `kubernetes-validate==${VERSION}`);
  return pip.ok ? undefined : `kubernetes-validate cannot be installed: ${pip.said.split('\n').at(-1)}`;
}

try {
  const missing = prepare();
  if (missing !== undefined) console.log(`skipped: schemas of Kubernetes, as ${missing}`);
  else {
    let failed = 0;
    const files = readdirSync(deploy).filter((file) => file.endsWith('.yaml'));
    for (const file of files) {
      const { ok, said } = run(join(folder, 'bin/kubernetes-validate'), '--strict', join(deploy, file));
      console.log(`${ok ? 'ok  ' : 'FAIL'}  ${file}${ok ? '' : `\n${said}`}`);
      if (!ok) failed++;
    }
    console.log(`${files.length - failed} passed, ${failed} failed`);
    process.exitCode = failed === 0 ? 0 : 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
