import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Peer, startPeer } from '../../examples/demo/peers/start-peer.js';
import { freePort } from '../support/free-ports.mjs';
import { type PackageFolder, packageFolder } from '../support/package-folder.js';
import { readBlocks, readme, runSession, writeFiles } from './readme-programs.mjs';

const { files, sessions } = readBlocks(await readme());
const provider = join(import.meta.dirname, '../../examples/demo/peers/provider.mjs');

let folder: PackageFolder;
let v1: Peer;
let v2: Peer;
let free: number;
/** The page's ports, as those of this run. */
const here = (text: string) =>
  text.replaceAll('20881', String(v1.port)).replaceAll('20882', String(v2.port)).replaceAll('20880', String(free));

beforeAll(async () => {
  [v1, v2, folder, free] = await Promise.all([
    startPeer(provider, ['--name', 'v1']),
    startPeer(provider, ['--name', 'v2']),
    packageFolder(),
    freePort(),
  ]);
  await writeFiles(folder.path, files, here);
}, 30_000);

afterAll(async () => {
  await Promise.all([v1.stop(), v2.stop(), folder.remove()]);
});

describe('README.md', () => {
  test('every program is run', () => {
    const programs = [...files.keys()].filter((name) => name.endsWith('.mjs'));
    const commands = sessions.flat().map((it) => it.command);
    expect(programs.filter((name) => !commands.some((it) => it.includes(name)))).toEqual([]);
    expect(programs.length).toBeGreaterThanOrEqual(6);
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
});
