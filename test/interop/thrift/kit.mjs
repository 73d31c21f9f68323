import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOffline, missing } from '../tools.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const target = join(here, 'target');

/** What each language needs, and how its peer is built into `target/`. */
const PEERS = {
  python: {
    needs: [['python3', '-m', 'venv', '--help']],
    build: [
      ['python3', '-m', 'venv', join(target, 'python')],
      [join(target, 'python/bin/pip'), 'install', '--quiet', '-r', join(here, 'python/requirements.txt')],
    ],
  },
  go: {
    needs: [['go', 'version']],
    build: [['go', 'build', '-buildvcs=false', '-o', join(target, 'go-peer'), '.']],
  },
  java: {
    needs: [
      ['java', '-version'],
      ['mvn', '-version'],
    ],
    build: [['mvn', '-q', '-B', 'package']],
  },
};

/** Apache Thrift for Python, Go and Java, those that can be built here. */
export default {
  name: 'Apache Thrift',
  tests: ['thrift.test.ts'],
  prepare() {
    mkdirSync(target, { recursive: true });
    const built = [];
    const skipped = [];
    const failed = [];
    for (const [language, { needs, build }] of Object.entries(PEERS)) {
      const lacking = missing(...needs);
      const stderr = lacking === undefined ? buildErrors(language, build) : undefined;
      if (lacking !== undefined) skipped.push(`${language}'s peer is not built: ${lacking}`);
      else if (stderr === undefined) built.push(language);
      else if (isOffline(stderr)) skipped.push(`${language}'s peer is not built: its registry is out of reach`);
      else failed.push(`${language}'s peer was not built:\n${stderr.split('\n').slice(-20).join('\n')}`);
    }
    return { skipped, failed, env: built.length > 0 ? { THRIFT_PEERS: built.join(',') } : undefined };
  },
};

/** Undefined: it was built. */
function buildErrors(language, commands) {
  for (const [tool, ...args] of commands) {
    const { status, stdout, stderr } = spawnSync(tool, args, { cwd: join(here, language), encoding: 'utf8' });
    if (status !== 0) return `${stdout}\n${stderr}`;
  }
  return undefined;
}
