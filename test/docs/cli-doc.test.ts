import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { main } from '../../adapters/cli/main.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8');

async function help(...command: string[]): Promise<string> {
  const stdout = new PassThrough();
  await main([...command, '--help'], { stdin: new PassThrough(), stdout, stderr: new PassThrough() });
  return String(stdout.read()).trim();
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
