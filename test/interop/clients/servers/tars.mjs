/** npm's @tars/rpc, twice: each says in its replies who it is. */
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../../support/free-ports.mjs';
import { daemon, serve } from './serve.mjs';

const server = fileURLToPath(new URL('../../../peers/tars-server.cjs', import.meta.url));

await serve(async () => {
  const endpoints = await freePorts(2);
  await Promise.all(
    endpoints.map((port, i) => daemon(process.execPath, [server, `v${i + 1}`, String(port)], /"ready":true/)),
  );
  return { port: endpoints[0], endpoints };
});
