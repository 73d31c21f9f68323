import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isOffline, missing } from '../tools.mjs';

const cwd = fileURLToPath(new URL('java', import.meta.url));

/** brpc-java and jprotobuf, in one program. */
export default {
  name: 'bRPC for Java',
  tests: ['brpc.test.ts'],
  prepare() {
    const lacking = missing(['java', '-version'], ['javac', '-version'], ['mvn', '-version']);
    if (lacking !== undefined) return { skipped: [lacking] };
    const { status, stdout, stderr } = spawnSync('mvn', ['-q', '-B', 'package'], { cwd, encoding: 'utf8' });
    if (status === 0) return { env: {} };
    const said = `${stdout}\n${stderr}`;
    if (isOffline(said)) return { skipped: ['Maven Central is out of reach'] };
    return { failed: [`its peer was not built:\n${said.split('\n').slice(-20).join('\n')}`] };
  },
};
