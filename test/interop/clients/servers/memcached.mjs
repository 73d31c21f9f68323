/** Debian's memcached. */
import { freePort } from '../../../support/free-ports.mjs';
import { daemon, serve } from './serve.mjs';

await serve(async () => {
  const port = await freePort();
  const args = ['-l', '127.0.0.1', '-p', String(port), '-U', '0', '-I', '8m', '-vv'];
  if (process.getuid() === 0) args.push('-u', 'nobody');
  await daemon('memcached', args, /server listening/);
  return { port };
});
