import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type LastGoodStore, lastGoodFiles } from '../../../src/rules/last-good/index.js';
import type { StoredRules } from '../../../src/rules/last-good/last-good.js';
import { ManualRuntime } from '../../../src/testing/index.js';
import { service } from '../rules.js';

const root = process.getuid?.() === 0;
let folder: string;
let store: LastGoodStore;
const runtime = new ManualRuntime();
const rules = (version: string, ...hosts: string[]): StoredRules => ({
  version,
  savedAt: 1,
  rules: hosts.map((host) => ({ type: 'upsert', kind: 'service', rule: service(host) })),
});
const file = () => join(folder, 'plane.rules');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meltemi-last-good-'));
  store = lastGoodFiles({ directory: folder, runtime });
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('last-good files', () => {
  test('are found again by the name of the source, whatever it is', async () => {
    expect(await store.load('plane')).toBeUndefined();
    await store.save('plane', rules('1', 'a'));
    await store.save('plane', rules('2', 'b'));
    await store.save('../plane', rules('3', 'c'));
    expect(await store.load('plane')).toEqual(rules('2', 'b'));
    expect(await store.load('../plane')).toEqual(rules('3', 'c'));
    expect(readdirSync(folder).sort()).toEqual(['..%2Fplane.rules', 'plane.rules']);
  });

  test("are this user's alone, in a folder that is made", async () => {
    const directory = join(folder, 'new/deep');
    await lastGoodFiles({ directory }).save('plane', rules('1'));
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, 'plane.rules')).mode & 0o777).toBe(0o600);
  });

  test('stay as they were when the next cannot be written, and nothing is left of that', async () => {
    await store.save('plane', rules('1', 'a'));
    const small = lastGoodFiles({ directory: folder, maxBytes: 2000, runtime });
    const many = rules('2', ...Array.from({ length: 10 }, (_, i) => `host-${i}`));
    await expect(small.save('plane', many)).rejects.toThrow('the rules of plane take more than 2000 bytes');
    expect(readdirSync(folder)).toEqual(['plane.rules']);
    expect(await store.load('plane')).toEqual(rules('1', 'a'));
    const nowhere = lastGoodFiles({ directory: file(), runtime });
    await expect(nowhere.save('plane', rules('2'))).rejects.toThrow('EEXIST');
    await expect(nowhere.load('plane')).rejects.toThrow(/is not used: ENOTDIR.*'$/);
    expect(await store.load('plane')).toEqual(rules('1', 'a'));
  });

  test.each<[why: string, spoil: () => void, told: string]>([
    ['changed', () => writeFileSync(file(), readFileSync(file(), 'utf8').replace('80', '81')), 'its checksum is wrong'],
    ['cut', () => writeFileSync(file(), readFileSync(file()).subarray(0, 300)), ''],
    ['empty', () => writeFileSync(file(), ''), ''],
    ['too large', () => writeFileSync(file(), Buffer.alloc(5000)), 'it has 5000 bytes, more than 4000'],
    ['open to others', () => chmodSync(file(), 0o644), 'it is open to other users; it needs mode 0600'],
    [
      'a link',
      () => {
        rmSync(file());
        symlinkSync('/etc/passwd', file());
      },
      'it is a link',
    ],
    [
      'a pipe',
      () => {
        rmSync(file());
        execFileSync('mkfifo', [file()]);
      },
      'it is no file',
    ],
  ])('that are %s are named, set aside and ignored', async (_, spoil, told) => {
    const bounded = lastGoodFiles({ directory: folder, maxBytes: 4000, runtime });
    await bounded.save('plane', rules('1', 'a'));
    spoil();
    const message = await bounded.load('plane').then(String, (error: Error) => error.message);
    expect(message).toMatch(`${file()} is not used: `);
    expect(message).toContain(told);
    expect(message).toMatch(`; it is now ${file()}.bad`);
    expect(existsSync(`${file()}.bad`)).toBe(true);
    expect(await bounded.load('plane')).toBeUndefined();
  });

  if (!root) console.log("skipped: files that are another user's, as only root can make one");
  (root ? test : test.skip)("that are another user's are not used (seen by root alone)", async () => {
    await store.save('plane', rules('1', 'a'));
    chownSync(file(), 65534, 65534);
    await expect(store.load('plane')).rejects.toThrow('it belongs to user 65534, not to 0');
  });

  test('of writers that died are cleared away after an hour', async () => {
    await store.save('plane', rules('1', 'a'));
    const [old, young, foreign] = ['plane.rules.1-a.tmp', 'plane.rules.2-b.tmp', 'other.tmp'].map((it) =>
      join(folder, it),
    );
    for (const path of [old!, young!, foreign!]) writeFileSync(path, '');
    const now = runtime.wallNow() / 1000;
    utimesSync(old!, now, now - 3601);
    utimesSync(young!, now, now - 3599);
    utimesSync(foreign!, now, now - 3601);
    await store.load('plane');
    expect([old, young, foreign].map((it) => existsSync(it!))).toEqual([false, true, true]);
  });
});
