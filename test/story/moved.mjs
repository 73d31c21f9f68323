/**
 * A service that is moved from this process to a sidecar and back, under load, with real processes: `meltemi rds`, `meltemi
 * sidecar`, Dubbo providers, and a mesh that is called all the time, by our own client, by an unmodified npm one on a connection
 * for life, and by one on new connections. What moves it is what moves one in life: its control plane is out of contact for longer
 * than `maxStale`, and comes back.
 *
 * No call may fail, whichever way it goes, and the lasting connection lasts.
 *
 *     node test/story/moved.mjs [TIMES]
 *
 * Needs `npm run build`. Ends with `N passed, N failed`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

const times = Number(process.argv[2] ?? 3);
/** So many callers of each kind. */
const CALLERS = 4;

async function story(folder) {
  const [here, behind] = await Promise.all([provider('in-process'), provider('sidecar')]);
  const sidecar = await startSidecar(folder, behind.port);
  const rules = join(folder, 'rds.yaml');
  const described = services(here.port, here.port + 1);
  writeFileSync(rules, described + router('v1'));
  writeFileSync(join(folder, 'services.yaml'), described);
  let controlPlane = await rds(rules, 0);
  const { port } = controlPlane;
  const mesh = await startMesh(
    {
      rules: join(folder, 'services.yaml'),
      maxStale: '200ms',
      sidecar: { captures: 'none', ports: { [SERVICE]: sidecar.port } },
      fallBack: { lasts: '300ms', healthy: '100ms' },
    },
    {
      sources: [metaRdsSource({ address: `127.0.0.1:${port}`, reconnectBaseMs: 50, reconnectMaxMs: 100 })],
      logger: { debug() {}, info() {}, warn() {}, error: console.error },
    },
  );
  await mesh.ready();
  const ours = dubboClient(mesh, { host: HOST, port: PORT, interface: INTERFACE });
  const listener = await mesh.listen({ port: 0, service: SERVICE });
  const at = { host: '127.0.0.1', port: listener.port };
  const npm = dubbo2Client(at);
  const anew = async (name) => {
    const client = dubbo2Client(at);
    return client.sayHello(name).finally(() => client.close());
  };
  const ways = [(name) => ours.call('sayHello', [name]), (name) => npm.sayHello(name), anew];
  const callers = ways.flatMap((way) => Array.from({ length: CALLERS }, () => new Caller(way)));
  const all = (who) => callers.every(({ last }) => last === who);

  await until('in-process', () => all('in-process'));
  for (let i = 1; i <= times; i++) {
    await controlPlane.kill('SIGKILL');
    await until(`to the sidecar, time ${i}`, () => all('sidecar'));
    check(`moved to the sidecar, time ${i}`, placed(mesh), 'sidecar stale');
    controlPlane = await rds(rules, port);
    await until(`and back, time ${i}`, () => all('in-process'));
    check(`and back, time ${i}`, placed(mesh), 'in-process served');
  }
  await Promise.all(callers.map((caller) => caller.stop()));
  const failures = callers.flatMap((caller) => caller.failures);
  const calls = callers.reduce((sum, caller) => sum + caller.calls, 0);
  check(`no call of ${calls} failed`, failures.slice(0, 5), []);

  npm.close();
  await mesh.close({ drainMs: 1000 });
  check('the sidecar ended in order', await sidecar.end(), 0);
  await Promise.all([here, behind].map((peer) => peer.stop()));
  await controlPlane.kill('SIGTERM');
}

const folder = mkdtempSync(join(tmpdir(), 'meltemi-moved-'));
try {
  await story(folder);
} catch (error) {
  fail(error);
} finally {
  rmSync(folder, { recursive: true });
}
report();
