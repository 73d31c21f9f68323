/** Debian's Mosquitto, an MQTT broker. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { daemon, freePorts, serve } from './serve.mjs';

await serve(async (folder) => {
  const [port] = await freePorts(1);
  const file = join(folder, 'mosquitto.conf');
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`);
  await daemon('mosquitto', ['-c', file, '-v'], /mosquitto version .* running/);
  return { port };
});
