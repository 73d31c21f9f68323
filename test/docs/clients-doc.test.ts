import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CLIENTS, type Client } from '../interop/clients/matrix.js';

const root = join(import.meta.dirname, '../..');
const json = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const page = readFileSync(join(root, 'docs/clients.md'), 'utf8');

/** What the tests run: of the matrix's own packages, or of the repository's. */
const versions: Record<string, string> = {
  ...json('package.json').devDependencies,
  ...json('test/interop/clients/package.json').dependencies,
};

/** Which versions are installed: those of the lock files, where a manifest gives a range. */
const locked: Record<string, { version: string }> = {
  ...json('package-lock.json').packages,
  ...json('test/interop/clients/package-lock.json').packages,
};

function row({ name, codec, ciphertext, does }: Client): string[] {
  const version = versions[name] === undefined ? "Node's own" : locked[`node_modules/${name}`]!.version;
  const how = codec !== undefined ? 'governed' : ciphertext ? 'untouched' : 'passed through';
  return [name, version, how, does];
}

test('docs/clients.md lists the clients of the matrix, with the versions that it runs', () => {
  const [, body = ''] = /^\| client .*\n\| -.*\n((?:\|.*\n)+)/m.exec(page) ?? [];
  const rows = body
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
  expect(rows).toEqual(CLIENTS.map(row));
});
