import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { readRules } from '../../../../../adapters/sources/file/index.js';
import { blocks } from '../../../../../adapters/sources/file/problem.js';
import { toRouteConfigurations } from '../../../../../adapters/sources/metards/server/route-configurations.js';
import { largeMesh, readGolden, recordedCases } from '../recorded.js';

describe('the routes of the recorded MetaRDS answers', () => {
  test.each(recordedCases)('%s', (name) => {
    const rules = readRules(new Map([['input.yaml', readGolden(`${name}/input.yaml`)]]));
    expect(rules.problems.filter(blocks)).toEqual([]);
    expect(toRouteConfigurations(rules.services)).toEqual(JSON.parse(readGolden(`${name}/routes.json`)));
  });

  test('what Aeraki refuses at admission is an error, though a tolerated one', () => {
    for (const name of recordedCases) {
      const { admission = [] } = JSON.parse(readGolden(`${name}/case.json`)) as { admission?: { allowed: boolean }[] };
      const { problems } = readRules(new Map([['input.yaml', readGolden(`${name}/input.yaml`)]]));
      const refused = problems.some((each) => each.severity === 'error' && each.object.startsWith('MetaRouter'));
      expect({ name, refused }).toEqual({ name, refused: admission.some((each) => !each.allowed) });
    }
  });

  test('large-mesh: 300 services of 5 routes, by their digests', () => {
    const { canonicalSha256 } = JSON.parse(readGolden('large-mesh/case.json'));
    const input = largeMesh();
    const routes = toRouteConfigurations(readRules(new Map([['input.yaml', input]])).services);
    const digests = routes.map((each) => `${(each as { name: string }).name} ${sha256(canonical(each))}`);
    expect(digests).toEqual(readGolden('large-mesh/hashes.txt').trimEnd().split('\n'));
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
