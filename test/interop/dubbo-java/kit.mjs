import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isOffline, missing } from '../tools.mjs';

const run = fileURLToPath(new URL('run.sh', import.meta.url));

/** Java Dubbo 2.7, 3.2 and 3.3, or the lines that INTEROP_LINES names. The first build of a line takes 18 to 45 s. */
export default {
  name: 'Java Dubbo',
  tests: ['client.test.ts', 'codec.test.ts', 'mesh.test.ts'],
  prepare() {
    const lacking = missing(['java', '-version'], ['mvn', '-version'], ['bash', '-c', 'command -v flock']);
    if (lacking !== undefined) return { skipped: [lacking] };
    const lines = (process.env.INTEROP_LINES ?? '2.7,3.2,3.3').split(',');
    for (const line of lines) {
      const { status, stderr } = spawnSync(run, ['--line', line, 'build'], { encoding: 'utf8' });
      if (status === 0) continue;
      // Without its archives nothing can be said of us; a kit that does not compile is ours to mend.
      if (isOffline(stderr)) return { skipped: ['Maven Central is out of reach'] };
      return { failed: [`the kit for Dubbo ${line} was not built:\n${stderr.split('\n').slice(-20).join('\n')}`] };
    }
    const skipped = lines.includes('2.7')
      ? ['Dubbo 2.7 has no fastjson2: its test runs with the later lines alone']
      : [];
    return { skipped, env: { INTEROP_LINES: lines.join(',') } };
  },
};
