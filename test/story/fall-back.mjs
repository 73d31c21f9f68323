/**
 * The story of a control plane that goes and comes back, with real processes: `meltemi rds`, Dubbo providers, `meltemi
 * sidecar`, and two meshes that are called all the time, by our own client and by an unmodified npm one on a
 * connection for life. Who answers says which way a call went.
 *
 * - The first mesh starts while the control plane is up: in-process, by its routes. These serve on when it is killed.
 * - The second starts with a control plane that is killed before its first answer: by the sidecar.
 * - The control plane comes back, with other routes: both are in-process and obey them, the npm client on the connection
 *   that it had.
 *
 * No call may fail, and none may go where nothing said it should.
 *
 *     node test/story/fall-back.mjs [TIMES]
 *
 * Needs `npm run build`. Ends with `N passed, N failed`.
 */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { dubboClient } from 'meltemi/dubbo';
import { metaRdsSource } from 'meltemi/metards';
import { startMesh } from 'meltemi/node';
import { dubbo2Client } from '../../dist/examples/demo/peers/dubbo2-client.js';
import {
  Caller,
  check,
  fail,
  HOST,
  INTERFACE,
  PORT,
  placed,
  provider,
  rds,
  report,
  router,
  SERVICE,
  services,
  startSidecar,
  until,
} from './kit.mjs';

const times = Number(process.argv[2] ?? 1);

async function story(folder) {
  const [v1, v2, behind] = await Promise.all([provider('v1'), provider('v2'), provider('sidecar')]);
  const sidecar = await startSidecar(folder, behind.port);
  const file = (name, text) => writeFileSync(join(folder, name), text);
  file('services.yaml', services(v1.port, v2.port));
  file('rds.yaml', services(v1.port, v2.port) + router('v1'));
  const rules = join(folder, 'rds.yaml');

  let controlPlane = await rds(rules, 0, '--debounce', '0');
  const { port } = controlPlane;
  const logger = { debug() {}, info() {}, warn() {}, error: console.error };
  const mesh = (nodeId, initialTimeout) =>
    startMesh(
      {
        rules: join(folder, 'services.yaml'),
        initialTimeout,
        sidecar: { captures: 'none', ports: { [SERVICE]: sidecar.port } },
        fallBack: { lasts: '800ms', healthy: '200ms' },
      },
      {
        sources: [metaRdsSource({ address: `127.0.0.1:${port}`, nodeId, reconnectBaseMs: 100, reconnectMaxMs: 200 })],
        logger,
      },
    );
  const ours = (it) => {
    const client = dubboClient(it, { host: HOST, port: PORT, interface: INTERFACE });
    return new Caller((name) => client.call('sayHello', [name]));
  };

  const first = await mesh('first', '10s');
  await first.ready();
  const early = ours(first);
  await until('an answer', () => early.last !== undefined);
  check('with the control plane up: in-process', placed(first), 'in-process served');

  await controlPlane.kill('SIGKILL');
  await until('the loss', () => first.status.sources.some(({ state }) => state === 'stale'));

  // Aeraki's own server is silent at first: time to be killed in.
  controlPlane = await rds(rules, port, '--as-recorded', '--debounce', '3000');
  const subscribed = new Promise((resolve) => {
    createInterface(controlPlane.process.stdout).on('line', (line) => {
      const { type, node } = JSON.parse(line);
      if (type === 'subscribed' && node.startsWith('second~')) resolve();
    });
  });
  const events = [];
  const listen = ({ service, from, to, reason }) => {
    // Until the file of services is read calls wait, mostly for less than a millisecond.
    if (service !== SERVICE || to === 'waiting') return;
    events.push(`${from === undefined || from === 'waiting' ? '' : from}>${to} ${reason}`);
  };
  subscribe('meltemi:placement:change', listen);
  const second = await mesh('second', '500ms');
  const late = ours(second);
  const listener = await second.listen({ port: 0, service: SERVICE });
  const npm = dubbo2Client({ host: '127.0.0.1', port: listener.port });
  const unchanged = new Caller((name) => npm.sayHello(name));
  await subscribed;
  await controlPlane.kill('SIGKILL');
  await until('the end of patience', () => placed(second) === 'sidecar no-rules');
  await until('answers by the sidecar', () => late.last === 'sidecar' && unchanged.last === 'sidecar');
  const connections = listener.connections;

  file('rds.yaml', services(v1.port, v2.port) + router('v2'));
  controlPlane = await rds(rules, port, '--debounce', '0');
  await until('the way back', () => [early, late, unchanged].every(({ last }) => last === 'v2'));
  unsubscribe('meltemi:placement:change', listen);
  const callers = [early, late, unchanged];
  await Promise.all(callers.map((caller) => caller.stop()));

  check('the last good routes of the first mesh served on, then the new ones', early.answered, ['v1', 'v2']);
  check('killed before its first answer: by the sidecar; back: in-process', late.answered, ['sidecar', 'v2']);
  check('an unmodified client goes the same way', unchanged.answered, ['sidecar', 'v2']);
  check('on the connections that it had', [connections > 0, listener.connections], [true, connections]);
  check('each switch was told, with its reason', events, [
    '>sidecar first-rules',
    'sidecar>sidecar no-rules',
    'sidecar>in-process served',
  ]);
  const failures = callers.flatMap((caller) => caller.failures);
  check(`no call of ${callers.reduce((sum, { calls }) => sum + calls, 0)} failed`, failures.slice(0, 5), []);

  npm.close();
  await Promise.all([first.close({ drainMs: 1000 }), second.close({ drainMs: 1000 })]);
  check('the sidecar ended in order', await sidecar.end(), 0);
  await Promise.all([v1, v2, behind].map((peer) => peer.stop()));
  await controlPlane.kill('SIGTERM');
}

for (let i = 0; i < times; i++) {
  const folder = mkdtempSync(join(tmpdir(), 'meltemi-fall-back-'));
  const begun = performance.now();
  try {
    await story(folder);
    const seconds = (performance.now() - begun) / 1000;
    console.log(`      in ${seconds.toFixed(1)} s`);
  } catch (error) {
    fail(error);
    break;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
report();
