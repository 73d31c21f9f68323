/** Writes `schemas/`. Run after a build: `node dist/adapters/sources/file/generate-schemas.js`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { jsonSchemas } from './json-schemas.js';

const folder = new URL('../../../../schemas/', import.meta.url);
await mkdir(folder, { recursive: true });
for (const [name, schema] of jsonSchemas()) {
  await writeFile(new URL(name, folder), `${JSON.stringify(schema, null, 2)}\n`);
}
