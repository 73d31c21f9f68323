/**
 * What the kinds' zod schemas are made of, and how a written value meets them. A kind's schema is the one place that
 * says which fields it has: those that count here, those that are {@link without | known but without effect}, and, by
 * omission, those that are unknown.
 */
import * as z from 'zod';
import { DURATION_PATTERN, parseDuration } from './duration.js';
import type { Path, Report } from './problem.js';
import { camelCase } from './yaml-documents.js';

/** A field that the kind has and that does nothing here; writing it gives a warning with the reason. */
export const without = (why: string) => z.unknown().optional().meta({ withoutEffect: why, description: why });

/** A field that the kind has and that does not concern calls; accepted silently. */
export const beside = () => z.unknown().optional();

const DURATION = 'must be a duration such as 100ms, 5s or 1m30s';

/** Go syntax in, milliseconds out. */
export const duration = (minimumMs = 0) =>
  z
    .string({ error: DURATION })
    .meta({ pattern: DURATION_PATTERN, examples: ['100ms', '1m30s'] })
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms === undefined) context.addIssue(DURATION);
      else if (ms < minimumMs) context.addIssue(`must be at least ${minimumMs}ms`);
      else return ms;
      return z.NEVER;
    });

export const text = () => z.string().min(1);
export const uint32 = () => z.int().min(0).max(0xffff_ffff);
export const port = () => z.int().min(1).max(65_535);
export const percent = () => z.number().min(0).max(100);
export const labels = () => z.record(z.string(), z.string());

type Schema = z.core.$ZodType;
interface Def {
  readonly type: string;
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly element?: Schema;
  readonly valueType?: Schema;
  readonly shape?: Record<string, Schema>;
  readonly catchall?: Schema;
}

const defOf = (schema: Schema): Def => {
  let def = schema._zod.def as unknown as Def;
  for (let inner = def.innerType ?? def.in; inner !== undefined; inner = def.innerType ?? def.in) {
    def = inner._zod.def as unknown as Def;
  }
  return def;
};

/**
 * The value as the schema wants to see it: keys in camelCase (protobuf's names are taken too), nulls as unset, as
 * protobuf's JSON has it. Reports unknown fields, which it leaves out, and those without effect.
 */
export function normalise(schema: Schema, value: unknown, path: Path, report: Report): unknown {
  const def = defOf(schema);
  if (def.type === 'array' && Array.isArray(value)) {
    return value.map((item, index) => normalise(def.element!, item, [...path, index], report));
  }
  if (def.type === 'record' && isRecord(value)) return normaliseMap(def, value, path, report);
  if (def.type === 'object' && isRecord(value)) return normaliseFields(def, value, path, report);
  return value;
}

function normaliseMap(def: Def, value: Record<string, unknown>, path: Path, report: Report): unknown {
  const item = def.valueType!;
  const unset = defOf(item).type === 'object' ? {} : '';
  const result: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(value)) {
    const where = [...path, key];
    if (key === '__proto__') report.error(where, 'this key is not allowed');
    else result[key] = entry === null ? unset : normalise(item, entry, where, report);
  }
  return result;
}

function normaliseFields(def: Def, value: Record<string, unknown>, path: Path, report: Report): unknown {
  const shape = def.shape!;
  const open = def.catchall !== undefined && defOf(def.catchall).type !== 'never';
  const result: Record<string, unknown> = {};
  for (const [written, entry] of Object.entries(value)) {
    const where = [...path, written];
    const name = Object.hasOwn(shape, written) ? written : camelCase(written);
    if (!Object.hasOwn(shape, name)) {
      if (!open) report.error(where, `unknown field; known here: ${Object.keys(shape).join(', ')}`);
      continue;
    }
    if (Object.hasOwn(result, name)) report.error(where, `the field ${name} is given twice`);
    if (entry === null) continue;
    const field = shape[name]!;
    const why = z.globalRegistry.get(field)?.withoutEffect;
    if (typeof why === 'string') report.warning(where, why);
    result[name] = normalise(field, entry, [...path, name], report);
  }
  return result;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A schema's complaint in words that say what to do. */
export function explain(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type': {
      if (value === undefined) return `is missing; it must be ${article(issue.expected)}`;
      if (issue.message === DURATION) return `${DURATION}, but is ${shown(value)}`;
      const quote = issue.expected === 'string' && typeof value !== 'object' ? '; quote it' : '';
      return `must be ${article(issue.expected)}, but is ${shown(value)}${quote}`;
    }
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}, but is ${shown(value)}`;
    case 'too_small':
      return issue.origin === 'string'
        ? 'must not be empty'
        : `must be at least ${issue.minimum}, but is ${shown(value)}`;
    case 'invalid_union':
      return `cannot be ${shown(value)}; the schema says what it takes`;
    case 'too_big':
      return `must be at most ${issue.maximum}, but is ${shown(value)}`;
    default:
      return issue.message;
  }
}

const article = (type: string) =>
  ({ string: 'text', int: 'a whole number', number: 'a number', array: 'a list', object: 'a map', record: 'a map' })[
    type
  ] ?? type;

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  const words = JSON.stringify(value) ?? String(value);
  return words.length > 60 ? `${words.slice(0, 60)}…` : words;
}

/** What stands at a path of a plain value. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return at;
}
