/** Debian's Mosquitto, an MQTT broker. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../support/free-ports.mjs';
import { daemon, serve } from './serve.mjs';

await serve(async (folder) => {
  const port = await freePort();
  const file = join(folder, 'mosquitto.conf');
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`);
  await daemon('mosquitto', ['-c', file, '-v'], /mosquitto version .* running/);
  return { port };
});
