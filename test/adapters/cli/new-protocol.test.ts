import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { newProtocolFiles } from '../../../adapters/cli/new-protocol-files.js';
import { meltemi } from '../../support/captured-io.js';

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'meltemi-new-'));
});
afterEach(() => rmSync(parent, { recursive: true }));

const run = (...args: string[]) => meltemi('new-protocol', ...args);

test('writes the files, named after the protocol', async () => {
  const dir = join(parent, 'deep', 'orders');
  const { code, out } = await run('orders2', '--dir', dir);
  expect([code, out]).toEqual([0, expect.stringContaining('node --test && node example.mjs')]);
  const files = newProtocolFiles('orders2');
  expect(readdirSync(dir).sort()).toEqual([...files.keys()].sort());
  for (const [file, text] of files) expect(readFileSync(join(dir, file), 'utf8')).toBe(text);
  expect(readFileSync(join(dir, 'rules.yaml'), 'utf8')).toContain('tcp-metaprotocol-orders2');
});

test('writes nothing where a file is there already', async () => {
  writeFileSync(join(parent, 'rules.yaml'), 'mine');
  const { code, err } = await run('orders', '--dir', parent);
  expect([code, err]).toEqual([1, expect.stringContaining('has rules.yaml already; nothing was written')]);
  expect(readdirSync(parent)).toEqual(['rules.yaml']);
});

test('tells what it cannot write', async () => {
  writeFileSync(join(parent, 'file'), '');
  const { code, err } = await run('orders', '--dir', join(parent, 'file'));
  expect([code, err]).toEqual([1, expect.stringContaining('meltemi new-protocol: ')]);
});

test.each([[[]], [['a', 'b']], [['Orders']], [['-x']], [['a-b']], [['dubbo']], [['1a']], [['a', '--frob']]])(
  '%j is wrong usage',
  async (args) => {
    expect((await run(...args)).code).toBe(2);
  },
);
