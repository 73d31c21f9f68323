import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOffline, missing } from '../tools.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const target = join(here, 'target');

/** What each language needs, and how its peer is built into `target/`. */
const PEERS = {
  go: { needs: [['go', 'version']], build: ['go', 'build', '-buildvcs=false', '-o', join(target, 'go-peer'), '.'] },
  java: {
    needs: [
      ['java', '-version'],
      ['mvn', '-version'],
    ],
    build: ['mvn', '-q', '-B', 'package'],
  },
};

/** trpc-go and trpc-java, those that can be built here. */
export default {
  name: 'tRPC',
  tests: ['trpc.test.ts'],
  prepare() {
    mkdirSync(target, { recursive: true });
    const built = [];
    const skipped = [];
    const failed = [];
    for (const [language, { needs, build }] of Object.entries(PEERS)) {
      const lacking = missing(...needs);
      if (lacking !== undefined) {
        skipped.push(`trpc-${language}'s peer is not built: ${lacking}`);
        continue;
      }
      const [tool, ...args] = build;
      const { status, stdout, stderr } = spawnSync(tool, args, { cwd: join(here, language), encoding: 'utf8' });
      const said = `${stdout}\n${stderr}`;
      if (status === 0) built.push(language);
      else if (isOffline(said)) skipped.push(`trpc-${language}'s peer is not built: its registry is out of reach`);
      else failed.push(`trpc-${language}'s peer was not built:\n${said.split('\n').slice(-20).join('\n')}`);
    }
    return { skipped, failed, env: built.length > 0 ? { TRPC_PEERS: built.join(',') } : undefined };
  },
};
