import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readEnvironment, VARIABLES } from '../../adapters/node/environment.js';
import { configSchema } from '../../adapters/node/index.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/preload.md'), 'utf8');
const rows = [...page.matchAll(/^\| `(MELTEMI_\w+)` \| (?:`([\w.]+)`)? ?\| (.*) \|$/gm)].map(
  ([, name, key, text]) => [name!, key, text!] as const,
);

test('every variable is listed, and none that nothing reads', () => {
  expect(rows.map(([name]) => name)).toEqual(VARIABLES);
});

test('the keys are those that the variables set', async () => {
  const values: Record<string, string> = {
    MELTEMI_MODE: 'observe',
    MELTEMI_PLACEMENT: 'in-process',
    MELTEMI_INITIAL_TIMEOUT: '7s',
    MELTEMI_ON_NO_RULES: 'fail',
    MELTEMI_MAX_STALE: '7s',
    MELTEMI_SIDECAR_CAPTURES: 'none',
    MELTEMI_CONTROL: 'off',
    MELTEMI_WORKERS: '3',
    MELTEMI_NODE_LABELS: 'a=b',
  };
  for (const [name, key] of rows) {
    if (key === undefined) continue;
    const at = (config: unknown) =>
      key.split('.').reduce((value, part) => (value as Record<string, unknown> | undefined)?.[part], config);
    const read = (env: NodeJS.ProcessEnv) => readEnvironment(env, { cwd: '/nowhere', podinfo: '/nowhere' });
    const [without, within] = await Promise.all([read({}), read({ [name]: values[name] ?? 'x:1' })]);
    expect([name, at(within)]).not.toEqual([name, at(without)]);
    expect(Object.keys(configSchema.shape)).toContain(key.split('.')[0]);
  }
});
