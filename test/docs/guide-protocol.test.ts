import { readFile } from 'node:fs/promises';

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newProtocolFiles } from '../../adapters/cli/new-protocol-files.js';
import { freePort } from '../support/free-ports.mjs';
import { type PackageFolder, packageFolder } from '../support/package-folder.js';
import { readBlocks, runSession, writeFiles } from './readme-programs.mjs';

const page = await readFile(join(import.meta.dirname, '../../docs/guides/your-protocol.md'), 'utf8');
const { files, sessions } = readBlocks(page);

let folder: PackageFolder;
let ports: readonly number[];
const here = (text: string) => text.replaceAll('7001', String(ports[0])).replaceAll('7002', String(ports[1]));

beforeAll(async () => {
  [folder, ports] = await Promise.all([packageFolder(), Promise.all([freePort(), freePort()])]);
  await writeFiles(folder.path, files, here);
}, 60_000);

afterAll(() => folder.remove());

test('docs/guides/your-protocol.md shows what `meltemi new-protocol acme` writes', () => {
  for (const [file, text] of newProtocolFiles('acme')) expect(files.get(file)).toBe(text);
});

test.each(sessions.map((session) => [session.map((it) => it.command).join('; '), session] as const))(
  '%s',
  async (_name, session) => {
    for (const { expected, printed, matches } of await runSession(folder.path, session, here)) {
      if (!matches) expect(printed.join('\n')).toBe(expected.join('\n'));
      expect(matches).toBe(true);
    }
  },
  60_000,
);
