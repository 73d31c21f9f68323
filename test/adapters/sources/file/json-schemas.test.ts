import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ALL_KINDS, jsonSchemas } from '../../../../adapters/sources/file/json-schemas.js';
import { KINDS } from '../../../../adapters/sources/file/kinds/index.js';

const folder = new URL('../../../../schemas/', import.meta.url);

describe('schemas/', () => {
  test('is what the kinds say now; otherwise build and run dist/adapters/sources/file/generate-schemas.js', () => {
    const schemas = jsonSchemas();
    const config = 'meltemi-config.json'; // not of a kind, and not made here
    expect(readdirSync(folder).sort()).toEqual([...schemas.keys(), config].sort());
    for (const [name, schema] of schemas) {
      expect(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))).toEqual(JSON.parse(JSON.stringify(schema)));
    }
  });

  test('has every kind, and one that chooses among them', () => {
    const { allOf } = jsonSchemas().get(ALL_KINDS) as { allOf: { if: object; then: { $ref: string } }[] };
    expect(allOf).toHaveLength(KINDS.length);
    for (const { then } of allOf) expect(jsonSchemas().has(then.$ref)).toBe(true);
    expect(allOf.find(({ then }) => then.$ref === 'service.json')).toMatchObject({
      if: { properties: { apiVersion: { pattern: '^[^/]*$' }, kind: { const: 'Service' } } },
    });
  });

  test('marks what has no effect, and describes durations', () => {
    const text = JSON.stringify(jsonSchemas().get('meta-router.json'));
    expect(text).toContain('"globalRateLimit":{"description":"global rate limits are not supported yet');
    const { pattern } = /"fillInterval":(\{[^}]*\})/
      .exec(text)!
      .slice(1)
      .map((each) => JSON.parse(each))[0];
    expect(['1m30s', '.5s', '0', '+1h'].filter((each) => new RegExp(pattern).test(each))).toHaveLength(4);
    expect(['', '5', 's', '1d', '-1s', '1s '].filter((each) => new RegExp(pattern).test(each))).toEqual([]);
  });
});
