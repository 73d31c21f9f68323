/** An interceptor with an injected dependency tags calls; the provider tells what it saw. `node dist/examples/inversify/main.js` */
import { fileURLToPath } from 'node:url';
import { MeshTokens } from 'meltemi/inversify';
import { startPeer } from '../demo/peers/start-peer.js';
import { RulesFolder, services } from '../demo/rules.js';
import { appContainer, DemoService } from './app.js';

const provider = await startPeer(fileURLToPath(new URL('../../../examples/demo/peers/provider.mjs', import.meta.url)));
const rules = await RulesFolder.create();
await rules.write('services.yaml', services(provider.port, provider.port));

const container = appContainer(rules.path);
const client = await container.getAsync(DemoService);
const seen = (await client.call('attachments', [])) as Record<string, string>;
console.log(`The provider saw tenant = ${seen.tenant}.`);

await container.unbindAsync(MeshTokens.Mesh);
await Promise.all([provider.stop(), rules.remove()]);
if (seen.tenant !== 'acme') process.exitCode = 1;
