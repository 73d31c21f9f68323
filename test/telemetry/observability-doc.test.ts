import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { events, METRICS, OPERATORS, OUTCOMES, REDACTED_KEYS, REFUSING_ROLES } from '../../src/telemetry/index.js';

const PAGE = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8');
const EVENTS = readFileSync(new URL('../../src/telemetry/events.ts', import.meta.url), 'utf8');

/** The cells of the tables under a heading. */
function rows(heading: string): string[][] {
  const section = PAGE.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const lines = section.match(/^\| `.*$/gm) ?? [];
  return lines.map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const code = (text: string) => `\`${text}\``;

/** Fields of the payloads, as the source declares them. */
function payloads(): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const [, name, base, body] of EVENTS.matchAll(/export interface (\w+)(?: extends (\w+))? \{\n(.*?)^\}/gms)) {
    const own = [...body!.matchAll(/^ {2}readonly (\w+)/gm)].map((found) => found[1]!);
    fields.set(name!, [...(fields.get(base ?? '') ?? []), ...own]);
  }
  return fields;
}

describe('docs/observability.md', () => {
  test('has exactly the metrics of the catalogue, in its order', () => {
    expect(rows('Metrics')).toEqual(
      METRICS.map(({ name, type, labels, help }) => [code(name), type, labels.map(code).join(' '), help]),
    );
  });

  test('has every event with the fields of its payload', () => {
    const fields = payloads();
    const declared = [...EVENTS.matchAll(/named<(\w+)>\('([^']+)'\)/g)].map(([, payload, name]) => [
      code(name!),
      fields.get(payload!)!.map(code).join(' '),
    ]);
    expect(declared.map(([name]) => name)).toEqual(Object.values(events).map((event) => code(event.name)));
    expect(rows('Events').map(([name, payload]) => [name, payload])).toEqual(declared);
  });

  test('has every operator of the access log, and the keys that are redacted', () => {
    expect(rows('Access log').map(([operator]) => operator)).toEqual(OPERATORS.map((name) => code(`%${name}%`)));
    for (const key of REDACTED_KEYS) expect(PAGE).toContain(code(key));
  });

  test('names every role that refuses, and the outcomes that are no failures', () => {
    for (const role of REFUSING_ROLES) expect(PAGE).toContain(code(role));
    for (const outcome of OUTCOMES.slice(0, 5)) expect(PAGE).toContain(code(outcome));
  });
});
