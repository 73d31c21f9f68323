/** JSON Schemas of the kinds, for editors, from the very schemas that read them. */
import * as z from 'zod';
import { KINDS } from './kinds/index.js';
import type { Kind } from './kinds/kind.js';

/** The one that editors are pointed at: chooses by apiVersion and kind; documents of other kinds pass. */
export const ALL_KINDS = 'meltemi-rules.json';

/** By file name. They say camelCase alone, though protobuf's snake_case is read too. */
export function jsonSchemas(): ReadonlyMap<string, object> {
  const schemas = new Map<string, object>(KINDS.map((kind) => [fileName(kind), ofKind(kind)]));
  schemas.set(ALL_KINDS, {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Rules that Meltemi reads',
    type: 'object',
    required: ['apiVersion', 'kind'],
    allOf: KINDS.map((kind) => ({
      if: {
        properties: {
          apiVersion: { pattern: `^${kind.group.replaceAll('.', '\\.')}[^/]*$` },
          kind: { const: kind.kind },
        },
        required: ['apiVersion', 'kind'],
      },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { $ref: fileName(kind) },
    })),
  });
  return schemas;
}

function fileName({ kind }: Kind): string {
  return `${kind.replace(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).toLowerCase()}.json`;
}

function ofKind({ kind, group, versions, schema }: Kind): object {
  const { $schema, properties, required, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      if ('withoutEffect' in jsonSchema) {
        delete jsonSchema.withoutEffect;
        jsonSchema.deprecated = true;
      }
    },
  });
  return {
    $schema,
    title: kind,
    ...rest,
    properties: {
      apiVersion: { enum: versions.map((version) => `${group}${version}`) },
      kind: { const: kind },
      metadata: METADATA,
      ...properties,
    },
    required: ['apiVersion', 'kind', 'metadata', ...(required ?? [])],
  };
}

const STRINGS = { type: 'object', additionalProperties: { type: 'string' } };
const METADATA = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1 },
    namespace: { type: 'string', default: 'default' },
    labels: STRINGS,
    annotations: STRINGS,
    creationTimestamp: { type: 'string', format: 'date-time' },
  },
  required: ['name'],
};
