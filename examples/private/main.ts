/**
 * Two private protocols under the rules of Aeraki's own demos: servers and clients that know nothing of the mesh, one
 * listener of the mesh in between. `npm run build && node dist/examples/private/main.js`; exit 1 if a figure differs.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startMesh } from 'meltemi/node';
import { startPeer } from '../demo/peers/start-peer.js';
import { Report } from '../demo/report.js';
import { RulesFolder } from '../demo/rules.js';
import { Client } from './client.js';
import { PROTOCOLS } from './protocols.js';

const CALLS = 500;
const report = new Report(process.argv.includes('--json'), process.stdout.isTTY === true);
const begun = performance.now();
const serverFile = fileURLToPath(new URL('./server.js', import.meta.url));
const rulesOf = (name: string) => new URL(`../../../examples/rules/${name}/`, import.meta.url);

for (const { name, port, idField, fields, other } of [
  { name: 'videopacket', port: 8000, idField: 'request_id', fields: { command: 1 }, other: { command: 2 } },
  { name: 'qza', port: 8090, idField: 'seq', fields: { cmd: 153, sub_cmd: 2 }, other: { cmd: 153, sub_cmd: 3 } },
]) {
  report.open(`${name}: 20 of 100 calls to v1`, `MetaRouter examples/rules/${name}/traffic-split.yaml, ${CALLS} calls`);
  const [v1, v2, rules] = await Promise.all([
    startPeer(serverFile, [name, 'v1']),
    startPeer(serverFile, [name, 'v2']),
    RulesFolder.create(),
  ]);
  for (const file of ['services.yaml', 'traffic-split.yaml']) {
    await rules.write(file, await readFile(new URL(file, rulesOf(name)), 'utf8'));
  }
  await rules.write('slices.yaml', slice(name, 'v1', v1.port) + slice(name, 'v2', v2.port));

  const mesh = await startMesh({ rules: rules.path, protocols: [name] });
  await mesh.ready();
  const service = `${name}-sample-server.meta-${name}.svc.cluster.local:${port}`;
  const listener = await mesh.listen({ port: 0, service });
  const protocol = PROTOCOLS[name]!;
  const client = new Client(protocol, idField, listener.port);
  const bodyOf = async (of: Readonly<Record<string, number>>) =>
    String(Buffer.concat(protocol.body(await client.call(of, 'hello'))));

  const replies = await Promise.all(Array.from({ length: CALLS }, () => bodyOf(fields)));
  const share = (version: string) => replies.filter((reply) => reply === `from ${version}`).length;
  report.near('calls that v1 answered', CALLS * 0.2, CALLS * 0.08, share('v1'));
  report.equal('calls that anybody answered', CALLS, share('v1') + share('v2'));
  const refusal = await bodyOf(other);
  report.check('a call that no route matches is refused', 'NO_ROUTE', refusal, refusal.includes('NO_ROUTE'));
  report.close();

  client.close();
  await mesh.close({ drainMs: 1000 });
  await Promise.all([v1.stop(), v2.stop(), rules.remove()]);
}
process.exitCode = report.end(performance.now() - begun);

function slice(name: string, version: string, port: number): string {
  return `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: ${name}-sample-server-${version}
  namespace: meta-${name}
  labels: { kubernetes.io/service-name: ${name}-sample-server, version: ${version} }
addressType: IPv4
ports: [{ name: tcp-metaprotocol-${name}-server, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1] }]
---
`;
}
