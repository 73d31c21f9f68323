import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { KINDS } from '../../../../adapters/sources/file/kinds/index.js';
import { MAX_REGEX_PROGRAM } from '../../../../adapters/sources/file/kinds/rate-limit.js';
import { YAML_LIMITS } from '../../../../adapters/sources/file/yaml-documents.js';
import { rulesOf, serviceEntry } from './support.js';

const page = (name: string) => readFileSync(new URL(`../../../../docs/${name}.md`, import.meta.url), 'utf8');

test('docs/rules.md has every kind, and the bounds as they are', () => {
  const rules = page('rules');
  for (const { kind } of KINDS) expect(rules).toMatch(new RegExp(`^\\| .*\\b${kind}\\b`, 'm'));
  expect(YAML_LIMITS).toEqual({ maxLength: 16 * 2 ** 20, maxDocuments: 50_000, maxDepth: 64, maxAliases: 1_000 });
  expect(rules).toContain(
    '16 Mi characters and 50,000 documents a file, 10,000 files, 64 levels, 1,000 values behind aliases',
  );
  expect(rules).toContain(`patterns of ${MAX_REGEX_PROGRAM} RE2 instructions`);
});

test('the TrafficPolicy of docs/policies.md is one', () => {
  const [, example] = /```yaml\n(.*?)```/s.exec(page('policies'))!;
  const host = 'shop.demo.svc.cluster.local';
  const rules = rulesOf(serviceEntry(host), example!);
  expect(rules.problems).toEqual([]);
  expect(Object.keys(rules.service(`${host}_20880`).policy)).toHaveLength(7);
});
