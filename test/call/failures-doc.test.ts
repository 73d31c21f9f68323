import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { FAILURES, type FailureTraits } from '../../src/call/index.js';

const AGAIN = {
  never: ['no', 'no'],
  unsent: ['yes', 'no'],
  idempotent: ['yes', 'if idempotent'],
} as const;

function row([code, traits]: [string, FailureTraits]): string {
  const cells = [
    `\`${code}\``,
    traits.flag,
    traits.summary,
    ...AGAIN[traits.retry],
    traits.breaks ? 'yes' : 'no',
    traits.blame,
  ];
  return `| ${cells.join(' | ')} |`;
}

test('docs/failures.md has exactly the rows of the table in the code, in its order', () => {
  const page = readFileSync(new URL('../../docs/failures.md', import.meta.url), 'utf8');
  const rows = page.match(/^\| `.*$/gm)?.map((line) => line.replaceAll(/ +/g, ' '));
  expect(rows).toEqual(Object.entries<FailureTraits>(FAILURES).map(row));
});
