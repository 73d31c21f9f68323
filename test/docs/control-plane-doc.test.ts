import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { AS_RECORDED } from '../../adapters/sources/metards/server/index.js';
import { packageFolder } from '../support/package-folder.js';
import { readBlocks, runSession, writeFiles } from './readme-programs.mjs';

const page = readFileSync(join(import.meta.dirname, '../../docs/control-plane.md'), 'utf8');

test('what the page shows of a control plane on a laptop happens', async () => {
  const { files, sessions } = readBlocks(page);
  const shown = sessions.filter((session) => session.some(({ command }) => /meltemi rds|push\.mjs/.test(command)));
  expect(shown).toHaveLength(2);
  const folder = await packageFolder();
  try {
    mkdirSync(join(folder.path, 'rules'));
    const anyPort = (text: string) =>
      text.replaceAll('127.0.0.1:15010', text.includes('MetaRDS at') ? '127.0.0.1:…' : '127.0.0.1:0');
    await writeFiles(folder.path, files, anyPort);
    for (const session of shown) {
      for (const result of await runSession(folder.path, session, anyPort))
        expect(result.matches ? result.expected : result.printed).toEqual(result.expected);
    }
  } finally {
    await folder.remove();
  }
});

test('its table of quirks is whole, and right', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` +\| `([\w-]+)` +\|/gm)].map(([, key, value]) => [key, value]);
  expect(rows).toEqual(Object.entries(AS_RECORDED).map(([key, value]) => [key, String(value)]));
});
