import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startPeer } from '../../examples/demo/peers/start-peer.js';
import { freePort } from '../support/free-ports.mjs';
import { packageFolder } from '../support/package-folder.js';
import { readBlocks, runSession, writeFiles } from './readme-programs.mjs';

const page = readFileSync(join(import.meta.dirname, '../../docs/sidecar.md'), 'utf8');
const provider = join(import.meta.dirname, '../../examples/demo/peers/provider.mjs');
/** Those that the page's programs listen on. */
const PORTS = ['15080', '15081', '15082', '15023'];

test('what docs/sidecar.md shows happens', async () => {
  const { files, sessions } = readBlocks(page);
  expect(sessions).toHaveLength(2);
  const [folder, v1, ...free] = await Promise.all([
    packageFolder(),
    startPeer(provider, ['--name', 'v1']),
    ...PORTS.map(() => freePort()),
  ]);
  const here = (text: string) => {
    const own = text
      .replace('grace: 5s', 'grace: 0s')
      .replace('rules: [rules.yaml]', 'control: false\nrules: [rules.yaml]')
      .replace('listeners:\n  out', 'listeners:\n  health: { port: 0 }\n  out');
    return PORTS.reduce(
      (so, port, i) => so.replaceAll(port, String(free[i])),
      own.replaceAll('20881', String(v1.port)),
    );
  };
  try {
    await writeFiles(folder.path, files, here);
    for (const session of sessions) {
      for (const result of await runSession(folder.path, session, here)) {
        expect(result.matches ? result.expected : result.printed).toEqual(result.expected);
      }
    }
  } finally {
    await Promise.all([folder.remove(), v1.stop()]);
  }
});
