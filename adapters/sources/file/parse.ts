/** Text into checked objects: YAML, the kinds among its documents, their schemas. Everything wrong is told at once. */
import * as z from 'zod';
import { kindOf, misspelt, type RuleObject } from './kinds/index.js';
import type { Kind } from './kinds/kind.js';
import { type Path, type Place, type Problem, type Report, reportTo } from './problem.js';
import { explain, isRecord, labels, normalise, valueAt } from './schema.js';
import { readYaml, type YamlLimits } from './yaml-documents.js';

export interface ParsedRules {
  readonly objects: readonly RuleObject[];
  readonly problems: readonly Problem[];
  /** Kinds that are none of ours, and how many of each. */
  readonly skipped: ReadonlyMap<string, number>;
}

const METADATA = z.looseObject({
  name: z.string().optional(),
  namespace: z.string().optional(),
  labels: labels().optional(),
  annotations: labels().optional(),
  creationTimestamp: z.iso.datetime({ offset: true, error: 'must be a time such as 2026-01-31T09:00:00Z' }).optional(),
});

/** @param file how the file is called in problems and provenance */
export function parseRules(text: string, file: string, limits?: YamlLimits): ParsedRules {
  const { documents, problems } = readYaml(text, file, limits);
  const parsed = { objects: [] as RuleObject[], problems: [...problems], skipped: new Map<string, number>() };
  for (const { value, place } of documents) readObject(value, place, parsed);
  return parsed;
}

function readObject(
  value: unknown,
  place: Place,
  into: { objects: RuleObject[]; problems: Problem[]; skipped: Map<string, number> },
): void {
  const stray = reportTo(into.problems, place, '');
  if (!isRecord(value)) {
    stray.error([], 'is no Kubernetes object: it needs apiVersion, kind and metadata');
    return;
  }
  const { apiVersion, kind } = value;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
    stray.error([], 'needs apiVersion and kind, both text');
    return;
  }
  if (apiVersion === 'v1' && kind === 'List' && Array.isArray(value.items)) {
    value.items.forEach((item, index) => {
      readObject(item, within(place, ['items', index]), into);
    });
    return;
  }
  const known = kindOf(apiVersion, kind);
  if (known === undefined) {
    into.skipped.set(kind, (into.skipped.get(kind) ?? 0) + 1);
    const why = misspelt(apiVersion, kind);
    if (why !== undefined) stray.warning([], why);
    return;
  }
  const object = checkObject(known, value, place, into.problems);
  if (object !== undefined) into.objects.push(object);
}

function checkObject(
  kind: Kind,
  value: Record<string, unknown>,
  place: Place,
  problems: Problem[],
): RuleObject | undefined {
  const { apiVersion, kind: _, metadata: written, ...fields } = value;
  const rough = isRecord(written) ? written : {};
  const namespace = typeof rough.namespace === 'string' && rough.namespace !== '' ? rough.namespace : 'default';
  const name = typeof rough.name === 'string' ? rough.name : '';
  const title = `${kind.kind} ${namespace}/${name === '' ? '?' : name}`;
  const report = reportTo(problems, place, title);

  const version = String(apiVersion).slice(kind.group.length);
  if (!kind.versions.includes(version)) {
    report.error(['apiVersion'], `version ${version} is unknown; known are ${kind.versions.join(', ')}`);
  }
  if (name === '') report.tolerated(['metadata'], 'needs a name');
  const metadata = check(METADATA, normalise(METADATA, written ?? {}, ['metadata'], report), ['metadata'], report);
  const body = check(kind.schema, normalise(kind.schema, fields, [], report), [], report);
  if (metadata === undefined || body === undefined) return undefined;
  kind.review?.(body, report);

  return {
    kind: kind.kind,
    name,
    namespace,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    createdAt:
      metadata.creationTimestamp === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(metadata.creationTimestamp),
    title,
    place,
    spec: isRecord(body) && 'spec' in body ? body.spec : body,
  };
}

function check<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  at: Path,
  report: Report,
): z.output<Schema> | undefined {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  for (const issue of result.error.issues)
    report.error([...at, ...issue.path], explain(issue, valueAt(value, issue.path)));
  return undefined;
}

function within(place: Place, at: Path): Place {
  return { file: place.file, locate: (path) => place.locate([...at, ...path]) };
}
