/**
 * What Meltemi does, as it happens: two versions of a Dubbo provider in processes of their own, an unmodified npm client
 * and our own, and rules as Aeraki's users write them. `npm run demo`; `--json` for a machine. Exit 1 if a figure
 * differs from what it should be.
 */
import { fileURLToPath } from 'node:url';
import { dubboClient } from 'meltemi/dubbo';
import { startMesh } from 'meltemi/node';
import { dubbo2Client } from './peers/dubbo2-client.js';
import { startPeer } from './peers/start-peer.js';
import { Report } from './report.js';
import { HOST, INTERFACE, PORT, RulesFolder, services } from './rules.js';
import * as scenes from './scenes.js';

const json = process.argv.includes('--json');
const report = new Report(json, process.stdout.isTTY === true && process.env.NO_COLOR === undefined);
const begun = performance.now();
// Plain JavaScript that is not compiled: it stays where it was written.
const providerFile = fileURLToPath(new URL('../../../examples/demo/peers/provider.mjs', import.meta.url));

const [v1, v2, rules] = await Promise.all([
  startPeer(providerFile, ['--name', 'v1']),
  startPeer(providerFile, ['--name', 'v2']),
  RulesFolder.create(),
]);
process.once('SIGINT', () => void rules.remove().then(() => process.exit(130)));
await rules.write('services.yaml', services(v1.port, v2.port));
report.say(`Providers v1 and v2 of DemoService run as processes ${v1.process.pid} and ${v2.process.pid}.`);

const mesh = await startMesh({ rules: rules.path });
await mesh.ready();
const listener = await mesh.listen({ port: 0, service: `${HOST}:${PORT}` });
const npmClient = dubbo2Client({ host: '127.0.0.1', port: listener.port });
const stage: scenes.Stage = {
  mesh,
  rules,
  report,
  npmClient,
  client: dubboClient(mesh, { host: HOST, port: PORT, interface: INTERFACE }),
  providerFile,
  v1,
  v2,
};

for (const scene of [
  scenes.balance,
  scenes.route,
  scenes.weights,
  scenes.mutate,
  scenes.limit,
  scenes.outage,
  scenes.edit,
]) {
  await scene(stage);
}

npmClient.close();
await mesh.close({ drainMs: 1000 });
await Promise.all([stage.v1.stop(), stage.v2.stop(), rules.remove()]);
process.exitCode = report.end(performance.now() - begun);
