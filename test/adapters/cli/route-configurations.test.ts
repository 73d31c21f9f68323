import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { toRouteConfigurations } from '../../../adapters/cli/route-configurations.js';
import { readRules } from '../../../adapters/sources/file/index.js';
import { blocks } from '../../../adapters/sources/file/problem.js';

const golden = new URL('../../golden/metards/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, golden), 'utf8');
const cases = readdirSync(golden, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'large-mesh')
  .map((entry) => entry.name);

describe('the routes of the recorded MetaRDS answers', () => {
  test.each(cases)('%s', (name) => {
    const rules = readRules(new Map([['input.yaml', read(`${name}/input.yaml`)]]));
    expect(rules.problems.filter(blocks)).toEqual([]);
    expect(toRouteConfigurations(rules.services)).toEqual(JSON.parse(read(`${name}/routes.json`)));
  });

  test('what Aeraki refuses at admission is an error, though a tolerated one', () => {
    for (const name of cases) {
      const { admission = [] } = JSON.parse(read(`${name}/case.json`)) as { admission?: { allowed: boolean }[] };
      const { problems } = readRules(new Map([['input.yaml', read(`${name}/input.yaml`)]]));
      const refused = problems.some((each) => each.severity === 'error' && each.object.startsWith('MetaRouter'));
      expect({ name, refused }).toEqual({ name, refused: admission.some((each) => !each.allowed) });
    }
  });

  test('large-mesh: 300 services of 5 routes, by their digests', () => {
    const { generator, inputSha256, canonicalSha256 } = JSON.parse(read('large-mesh/case.json'));
    const template = read('large-mesh/template.yaml');
    const services: number = generator.services;
    const three = (n: number) => String(n).padStart(3, '0');
    const input = Array.from({ length: services }, (_, i) => {
      const j = (i + 1) % services;
      const values = new Map<string, unknown>([
        ['{iii}', three(i)],
        ['{i}', i],
        ['{jjj}', three(j)],
        ['{jport}', 20000 + (j % 7)],
        ['{m}', (i % 9) + 1],
        ['{port}', 20000 + (i % 7)],
        ['{proto}', ['dubbo', 'thrift', 'qza'][i % 3]],
        ['{p}', `${i % 100}.${(i % 9) + 1}`],
        ['{w2}', 100 - (i % 101)],
        ['{w}', i % 101],
      ]);
      return template.replace(/\{\w+\}/g, (placeholder) => String(values.get(placeholder)));
    }).join('');
    expect(sha256(input)).toBe(inputSha256);

    const routes = toRouteConfigurations(readRules(new Map([['input.yaml', input]])).services);
    const digests = routes.map((each) => `${(each as { name: string }).name} ${sha256(canonical(each))}`);
    expect(digests).toEqual(read('large-mesh/hashes.txt').trimEnd().split('\n'));
    expect(sha256(canonical(routes))).toBe(canonicalSha256);
  });
});

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Object keys in code-point order, no white space. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`;
}
