import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { meltemi } from '../support/captured-io.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8');

async function help(...command: string[]): Promise<string> {
  return (await meltemi(...command, '--help')).out.trim();
}

test.each([
  [[]],
  [['lint']],
  [['routes']],
  [['plan']],
  [['explain']],
  [['status']],
  [['sidecar']],
  [['rds']],
  [['decode']],
  [['new-protocol']],
])('docs/cli.md shows what `meltemi %s --help` prints', async (command) => {
  expect(page).toContain(`\`\`\`text\n${await help(...command)}\n\`\`\``);
});
