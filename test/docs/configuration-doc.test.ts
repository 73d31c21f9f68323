import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { configJsonSchema } from '../../adapters/node/config-json-schema.js';
import { configSchema, parseConfig } from '../../adapters/node/index.js';
import { resolvePoolOptions } from '../../src/connection/upstream/options.js';
import type { ConnectionOptions } from '../../src/spi.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');
const { connections } = configSchema.shape;
const { pool, downstream } = connections.unwrap().shape;

/** Key and default of the rows of the table that is headed so. */
function table(head: string): readonly (readonly [key: string, shown: string])[] {
  const [, body = ''] = new RegExp(`^\\| ${head} .*\\n((?:\\|.*\\n)+)`, 'm').exec(page) ?? [];
  return [...body.matchAll(/^\| `(\w+)` +\| (.*?) +\|/gm)].map(([, key, shown]) => [key!, shown!] as const);
}

const rows = table('key');

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

test('the keys of connections are listed, with the defaults that pools have', () => {
  expect(Object.keys(connections.unwrap().shape)).toEqual(['pool', 'downstream', 'maxHeldBytes']);
  expect(table('`pool.`').map(([key]) => key)).toEqual(Object.keys(pool.unwrap().shape));
  expect(table('`downstream.`').map(([key]) => key)).toEqual(Object.keys(downstream.unwrap().shape));
  const defaults = Object.entries(resolvePoolOptions({}, 'multiplexed')).filter(([, value]) => value !== undefined);
  const shown = table('`pool.`').map(([key, text]) => [key, Number.parseInt(text, 10)]);
  expect(shown.filter(([, value]) => !Number.isNaN(value))).toEqual(defaults);
});

test('the keys of listeners are listed, with their defaults', () => {
  const { outbound, inbound, health } = parseConfig({}).listeners;
  const shown = Object.fromEntries(
    [...page.matchAll(/^\| `((?:outbound|inbound|health)[.\w]*)` \| `(.*?)` \|/gm)].map(([, key, text]) => [
      key,
      parse(text!),
    ]),
  );
  const flat = Object.fromEntries(Object.entries(outbound).map(([key, value]) => [`outbound.${key}`, value]));
  expect(shown).toEqual({ ...flat, inbound, health });
  const one = configSchema.shape.listeners.unwrap().shape.inbound.unwrap().element.shape;
  expect([...page.matchAll(/^\| `inbound\[\]\.` .*\n\|.*\n((?:\|.*\n)+)/gm)][0]![1]!.match(/^\| `\w+`/gm)).toEqual(
    Object.keys(one).map((key) => `| \`${key}\``),
  );
});

test('whatever a pool or downstream takes, a configuration may say', () => {
  const wanted: Required<Pick<ConnectionOptions, 'pool' | 'downstream'>> = {
    pool: Object.fromEntries(Object.keys(resolvePoolOptions({}, 'multiplexed')).map((key) => [key, 1])),
    downstream: { maxInFlight: 1, maxRequestBytes: 1, maxReplyBytes: 1, maxMessageBytes: 1 },
  };
  expect(parseConfig({ connections: wanted }).connections).toEqual(wanted);
});

test('schemas/meltemi-config.json is what the schema says; otherwise `npm run schemas`', () => {
  const file = join(import.meta.dirname, '../../schemas/meltemi-config.json');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(configJsonSchema());
});
