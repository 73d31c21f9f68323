/** What the preload does on the serving side, and nothing else: rules from the file RULES, for a node at 127.0.0.1. */
import { installInbound } from '../../../../../adapters/hosts/register/inbound.js';
import { startMesh } from '../../../../../adapters/node/index.js';

const mesh = await startMesh({
  rules: process.env.RULES!,
  protocols: ['dubbo', 'tars', 'thrift'],
  node: { addresses: ['127.0.0.1'] },
});
await mesh.ready();
installInbound(mesh, { warn: (message) => console.error(message) });
