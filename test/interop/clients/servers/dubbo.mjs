/** The demo's Dubbo provider, sofa-rpc-node, twice: each says in its replies who it is. */
import { fileURLToPath } from 'node:url';
import { daemon, serve } from './serve.mjs';

const provider = fileURLToPath(new URL('../../../../examples/demo/peers/provider.mjs', import.meta.url));

async function start(name) {
  const said = await daemon(process.execPath, [provider, '--name', name], /"port":\d+}/);
  return JSON.parse(said).port;
}

await serve(async () => {
  const endpoints = await Promise.all([start('v1'), start('v2')]);
  return { port: endpoints[0], endpoints };
});
