/** Debian's memcached. */
import { daemon, freePorts, serve } from './serve.mjs';

await serve(async () => {
  const [port] = await freePorts(1);
  const args = ['-l', '127.0.0.1', '-p', String(port), '-U', '0', '-I', '8m', '-vv'];
  if (process.getuid() === 0) args.push('-u', 'nobody');
  await daemon('memcached', args, /server listening/);
  return { port };
});
