/** Writes `schemas/meltemi-config.json`. Run after a build: `node dist/adapters/node/generate-schema.js`. */
import { writeFile } from 'node:fs/promises';
import { configJsonSchema } from './config-json-schema.js';

const file = new URL('../../../schemas/meltemi-config.json', import.meta.url);
await writeFile(file, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
