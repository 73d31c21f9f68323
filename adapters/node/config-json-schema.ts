import * as z from 'zod';
import { configSchema } from './config.js';

/** JSON Schema of a configuration file, for editors. */
export function configJsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input' });
  return { $schema, title: "Meltemi's configuration", ...rest };
}
