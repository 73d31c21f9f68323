import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { configSchema, parseConfig } from '../../adapters/node/index.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');
const rows = [...page.matchAll(/^\| `(\w+)` +\| (.*?) +\|/gm)].map(([, key, shown]) => [key!, shown!] as const);

test('every key is listed, and none that is not there', () => {
  expect(rows.map(([key]) => key)).toEqual(Object.keys(configSchema.shape));
});

test('defaults are what the page says', () => {
  const { directory: _, ...defaults } = parseConfig({});
  const shown = Object.fromEntries(
    rows.filter(([, text]) => text !== 'off').map(([key, text]) => [key, parse(text.replaceAll('`', ''))]),
  );
  expect(parseConfig(shown)).toMatchObject(defaults);
  expect(rows.filter(([, text]) => text === 'off').map(([key]) => key)).toEqual(
    Object.keys(configSchema.shape).filter((key) => !(key in defaults)),
  );
});

test('the example is valid', () => {
  const [, example] = /```yaml\n([\s\S]*?)```/.exec(page)!;
  expect(parseConfig(parse(example!)).node.labels).toEqual({ app: 'orders' });
});
