/**
 * A control plane on a laptop: two versions of a Dubbo provider, `meltemi rds` with a folder of YAML, and a consumer whose
 * mesh takes its routes from there. The YAML is edited, and calls follow.
 * `npm run build && node dist/examples/metards/main.js`; `--json` for a machine. Exit 1 if a figure differs from what it
 * should be.
 */
import { subscribe } from 'node:diagnostics_channel';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Mesh } from 'meltemi';
import { type DubboClient, dubboClient } from 'meltemi/dubbo';
import { startMesh } from 'meltemi/node';
import { firstValueFrom } from 'rxjs';
import { startPeer } from '../demo/peers/start-peer.js';
import { Report } from '../demo/report.js';
import { HOST, INTERFACE, metaRouter, PORT, RulesFolder, services, split, toSubset } from '../demo/rules.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
// Plain JavaScript that is not compiled: it stays where it was written.
const provider = here('../../../examples/demo/peers/provider.mjs');
const meltemi = here('../../adapters/cli/bin.js');

const CALLS = 400;
const report = new Report(
  process.argv.includes('--json'),
  process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
);
const begun = performance.now();

const [v1, v2, rules] = await Promise.all([
  startPeer(provider, ['--name', 'v1']),
  startPeer(provider, ['--name', 'v2']),
  RulesFolder.create(),
]);
await rules.write('services.yaml', services(v1.port, v2.port));
const text = (routes: string) => metaRouter(`  routes:${routes}\n`);
const route = (routes: string) => rules.write('router.yaml', text(routes));
await route(toSubset('stable', 'v1'));

const controlPlane = await startPeer(meltemi, ['rds', rules.path, '--listen', '127.0.0.1:0', '--json']);
process.once('exit', () => controlPlane.process.kill()); // whatever happens here
const told = createInterface(controlPlane.process.stdout!);
report.say(`meltemi rds serves ${rules.path} at 127.0.0.1:${controlPlane.port}.`);

// MetaRDS has routes only: where the service is, the consumer reads from a file.
const mesh = await startMesh({
  rules: join(rules.path, 'services.yaml'),
  metards: { address: `127.0.0.1:${controlPlane.port}` },
});
await mesh.ready();
const client = dubboClient(mesh, { host: HOST, port: PORT, interface: INTERFACE });

report.open('1. What is served', 'A MetaRouter in the folder of the control plane: everything to v1.');
report.equal(`${CALLS} calls, answered by v1 / v2`, `${CALLS} / 0`, figures(await tally(client)));
report.close();

report.open('2. An edit', 'The same file, now with weights 80 and 20: pushed, and obeyed by the next call.');
await inForce(mesh, () => route(split('canary', 80, 20)));
// 400 draws at 0.8: standard deviation 8. Five of them: one run in two million fails by chance.
report.near(`${CALLS} calls, answered by v1`, 0.8 * CALLS, 40, (await tally(client)).v1);
report.close();

report.open('3. A bad edit', 'Weights of a wrong type: the control plane names the line, and serves what was good.');
const problem = new Promise<string>((resolve) => {
  told.on('line', (line) => {
    const event = JSON.parse(line) as { type: string; message: string };
    if (event.type === 'problem') resolve(event.message);
  });
});
const bad = split('canary', 80, 20).replace('weight: 80', 'weight: many');
await route(bad);
const line =
  text(bad)
    .split('\n')
    .findIndex((it) => it.includes('many')) + 1;
const [where] = /router\.yaml:\d+/.exec(await problem) ?? ['nowhere'];
report.equal('the line that is named', `router.yaml:${line}`, where);
report.near(`${CALLS} calls, answered by v1`, 0.8 * CALLS, 40, (await tally(client)).v1);
report.close();

report.open('4. The whole way', 'sayHello goes to v2, all else to v1.');
await inForce(mesh, () => route(toSubset('new', 'v2', 'sayHello') + toSubset('rest', 'v1')));
report.equal(`${CALLS} calls, answered by v1 / v2`, `0 / ${CALLS}`, figures(await tally(client)));
report.equal('why, asked of the mesh: route', 'new', why(mesh));
report.close();

report.open('5. Without it', 'The control plane is killed: the last good routes serve on.');
const lost = new Promise<void>((resolve) => {
  subscribe('meltemi:source:change', (change) => {
    if ((change as { state: string }).state === 'stale') resolve();
  });
});
await Promise.all([controlPlane.kill('SIGKILL'), lost]);
report.equal(`${CALLS} calls, answered by v1 / v2`, `0 / ${CALLS}`, figures(await tally(client)));
report.close();

await mesh.close({ drainMs: 1000 });
await Promise.all([v1.stop(), v2.stop(), rules.remove()]);
process.exitCode = report.end(performance.now() - begun);

/** Resolves when calls obey the change. */
async function inForce(mesh: Mesh, change: () => Promise<void>): Promise<void> {
  const changed = firstValueFrom(mesh.changes);
  await change();
  await changed;
}

async function tally(client: DubboClient): Promise<{ v1: number; v2: number }> {
  const answers = await Promise.all(Array.from({ length: CALLS }, () => client.call('sayHello', ['you'])));
  const v1 = answers.filter((answer) => String(answer).endsWith('v1')).length;
  return { v1, v2: answers.length - v1 };
}

function figures({ v1, v2 }: { v1: number; v2: number }): string {
  return `${v1} / ${v2}`;
}

function why(mesh: Mesh): string {
  const to = { host: HOST, port: PORT };
  return mesh.explain(to, { method: 'sayHello', interface: INTERFACE }).route ?? 'none';
}
