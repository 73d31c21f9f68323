import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parseRules } from '../../adapters/sources/file/parse.js';
import { DEFAULT_FALLBACK_CODES } from '../../src/policy/index.js';

const page = readFileSync(new URL('../../docs/policies.md', import.meta.url), 'utf8');

test('the TrafficPolicy of docs/policies.md is one, without a problem', () => {
  const yaml = /```yaml\n([\s\S]*?)```/.exec(page)![1]!;
  const { objects, problems } = parseRules(yaml, 'docs/policies.md');
  expect(problems).toEqual([]);
  expect(objects.map((it) => it.kind)).toEqual(['TrafficPolicy']);
});

test('the page names the codes that a fallback answers by default, in order', () => {
  expect(page.replaceAll(/\s+/g, ' ')).toContain(DEFAULT_FALLBACK_CODES.map((code) => `\`${code}\``).join(', '));
});

test.each([
  ['opossum', 14],
  ['bottleneck', 10],
])('each known defect of %s has its line on the page and a test', (engine, count) => {
  const tests = readFileSync(new URL(`../adapters/engines/${engine}.test.ts`, import.meta.url), 'utf8');
  const titles = [...tests.matchAll(/test(?:\.each\(.*\))?\('([^\n]*)/g)].map((it) => it[1]!).join('\n');
  const letter = engine === 'opossum' ? 'O' : 'B';
  for (let i = 1; i <= count; i++) {
    expect(page).toMatch(new RegExp(`^\\| ${letter}${i} `, 'm'));
    expect(titles).toMatch(new RegExp(`\\b${letter}${i}\\b`));
  }
});
