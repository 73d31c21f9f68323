/**
 * Aeraki's opening example, BookInfo, over awesomerpc and without a sidecar: a product page that asks reviews, which ask
 * ratings, each a process with a mesh inside. `npm run build && node dist/examples/bookinfo/main.js`; `--json` for a
 * machine; exit 1 if a page shows what it should not.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startMesh } from 'meltemi/node';
import { firstValueFrom } from 'rxjs';
import { type Peer, startPeer } from '../demo/peers/start-peer.js';
import { Report } from '../demo/report.js';
import { RulesFolder } from '../demo/rules.js';
import { ask, COMMAND } from './service.js';

const report = new Report(process.argv.includes('--json'), process.stdout.isTTY === true);
const begun = performance.now();
const program = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url));
const shipped = (name: string) =>
  readFile(new URL(`../../../examples/bookinfo/rules/${name}`, import.meta.url), 'utf8');

const rules = await RulesFolder.create();
await rules.write('services.yaml', await shipped('services.yaml'));
const ratings = await startPeer(program('ratings'), [rules.path]);
await rules.write('ratings.yaml', workload('ratings', 'v1', ratings));
const versions = ['v1', 'v2', 'v3'];
const reviews = await Promise.all(versions.map((version) => startPeer(program('reviews'), [rules.path, version])));
await rules.write('reviews.yaml', reviews.map((peer, i) => workload('reviews', versions[i]!, peer)).join('---\n'));

const mesh = await startMesh({ rules: rules.path, protocols: ['awesomerpc'] });
await mesh.ready();

/** The version whose reviews a page shows. */
async function page(user: string): Promise<string> {
  const shown = await ask(mesh, 'reviews.bookinfo', COMMAND.reviews, user);
  report.say(`${user} sees ${shown}`);
  return shown.slice(0, 2);
}

async function pages(...users: string[]): Promise<string> {
  const shown: string[] = [];
  for (const user of users) shown.push(await page(user));
  return shown.join(' ');
}

async function apply(file: string): Promise<void> {
  const obeyed = firstValueFrom(mesh.changes);
  await rules.write('reviews-routes.yaml', await shipped(file));
  await obeyed;
}

report.open('No routes yet', 'Reviews take turns: without stars, with black ones, with red ones');
const turns = (await pages('anna', 'anna', 'anna', 'anna', 'anna', 'anna')).split(' ');
for (const version of versions) report.equal(`pages of ${version}`, 2, turns.filter((it) => it === version).length);
report.close();

report.open('Everybody to v1', 'examples/bookinfo/rules/all-v1.yaml is written into the folder while the page runs');
await apply('all-v1.yaml');
report.equal('pages', 'v1 v1 v1 v1', await pages('anna', 'jason', 'anna', 'jason'));
report.close();

report.open('jason to v2', 'examples/bookinfo/rules/jason-v2.yaml: an attribute of the call decides');
await apply('jason-v2.yaml');
report.equal('pages', 'v1 v2 v1 v2', await pages('anna', 'jason', 'anna', 'jason'));
report.close();

await mesh.close({ drainMs: 1000 });
await Promise.all([ratings, ...reviews].map((peer) => peer.stop()));
await rules.remove();
process.exitCode = report.end(performance.now() - begun);

function workload(app: string, version: string, { port }: Peer): string {
  return `apiVersion: networking.istio.io/v1alpha3
kind: WorkloadEntry
metadata: { name: ${app}-${version}, namespace: bookinfo }
spec:
  address: 127.0.0.1
  ports: { tcp-metaprotocol-awesomerpc: ${port} }
  labels: { app: ${app}, version: ${version} }
`;
}
