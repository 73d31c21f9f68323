import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { parseConfig } from '../../adapters/node/index.js';
import { HEALTHY_MS, LASTS_MS, REASONS } from '../../src/mesh/placement/index.js';

const page = readFileSync(new URL('../../docs/control-plane.md', import.meta.url), 'utf8');
const [, section = ''] = page.split(/^## When in-process can't serve: placement$/m);

test('has every reason, in its words, and says which are fall-backs', () => {
  const [, body = ''] = /^\| reason .*\n((?:\|.*\n)+)/m.exec(section) ?? [];
  const rows = [...body.matchAll(/^\| `([\w-]+)` *\| (.*?) *\| (.*?) *\|/gm)].map(
    ([, reason, when, sidecar]) => [reason!, { text: when!, fallBack: sidecar!.endsWith('\\*') }] as const,
  );
  const { served, undescribed, ...obstacles } = REASONS;
  expect(Object.fromEntries(rows)).toEqual(obstacles);
  expect(section).toContain(`\`served\` (${served.text}) and \`undescribed\` (${undescribed.text})`);
  expect(section).toContain(`lasts ${LASTS_MS / 1000} s at least`);
  expect(section).toContain(`for ${HEALTHY_MS / 1000} s on end`);
});

test('the example is valid', () => {
  const [, example] = /```yaml\n([\s\S]*?)```/.exec(section)!;
  expect(parseConfig(parse(example!))).toMatchObject({
    placement: 'auto',
    sidecar: { captures: 'services', ports: { 'demo.example:20880': 15_080 } },
  });
});
