import { connect } from 'node:tls';
import { ChannelCredentials, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  AS_RECORDED,
  type MetaRdsQuirks,
  type MetaRdsServer,
  type MetaRdsServerOptions,
  serveMetaRds,
} from '../../../../../adapters/sources/metards/server/index.js';
import { ManualRuntime } from '../../../../../src/testing/index.js';
import { Replay, scenarioOf, scenarios } from './replay.js';
import { clientTls, RouteClient, routesIn, serverTls } from './route-client.js';

/** Not a matter of requests and responses on `StreamRoutes`: tested below. */
const APART = ['tls', 'other-methods'];
const replayed = scenarios.filter(({ name }) => !APART.includes(name));

let runtime: ManualRuntime;
let server: MetaRdsServer;
async function start(options: MetaRdsServerOptions = {}): Promise<void> {
  runtime = new ManualRuntime();
  server = await serveMetaRds({ port: 0, runtime, ...AS_RECORDED, ...options });
}
afterEach(() => server.close());

describe.each([
  ['plain text', {}, () => ChannelCredentials.createInsecure()],
  ['mutual TLS', { tls: serverTls() }, () => clientTls('client')],
])('what the real server answered, ours answers too: %s', (_, options, credentials) => {
  test.each(replayed)('$name', async (scenario) => {
    await start(options);
    await new Replay(server, runtime, credentials).run(scenario);
  });
});

/** A scenario that differs without the quirk; there is none for order and for what versions look like. */
const TOLD_BY: readonly [keyof MetaRdsQuirks, Partial<MetaRdsQuirks>, string][] = [
  ['debounceMs', { debounceMs: 0 }, 'ack-then-update'],
  ['silentAtFirst', { silentAtFirst: false }, 'reconnect-same-node'],
  ['resendOnNack', { resendOnNack: false }, 'nack-storm'],
  ['repeatUnchanged', { repeatUnchanged: false }, 'duplicate-metarouters'],
  ['clearNodeOnClose', { clearNodeOnClose: false }, 'reconnect-before-close'],
];

test.each(TOLD_BY)('the replay tells a server without %s apart', async (_, quirks, name) => {
  await start(quirks);
  const replay = new Replay(server, runtime, () => ChannelCredentials.createInsecure(), 200);
  await expect(replay.run(scenarioOf(name))).rejects.toThrow();
  replay.close();
});

test('other methods: what the real server answered, but for DeltaRoutes, which is not implemented', async () => {
  const { events } = scenarioOf('other-methods');
  const said = (stream: string) => events.filter((it) => it.stream === stream && it.direction === 'server->client');
  await start();
  const configuration = { name: 'a.demo.svc.cluster.local_9090', virtualHosts: [{ routes: [{ name: 'a-v1' }] }] };
  server.publishConfigurations([configuration]);
  const client = new RouteClient(server.port);
  const refusal = async (path: string) => {
    const stream = client.open(path);
    stream.send({});
    return (await stream.ended).code;
  };
  expect(said('ads').map(({ summary }) => summary.split(':')[0])).toEqual(['Unimplemented']);
  expect(await refusal('/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources')).toBe(
    status.UNIMPLEMENTED,
  );
  expect(await refusal('/envoy.service.route.v3.RouteDiscoveryService/DeltaRoutes')).toBe(status.UNIMPLEMENTED);

  const stream = client.open();
  const answers = [await client.fetch({ node: { id: 'node-f' } })];
  stream.send({ node: { id: 'node-1' } });
  await client.settled();
  await runtime.advanceAsync(1000);
  const { versionInfo } = await stream.next();
  answers.push(await client.fetch({ node: { id: 'node-1' } }));
  answers.push(await client.fetch({ node: { id: 'node-1' }, versionInfo }));
  const summaries = answers.map((it) => {
    if ('code' in it) return `${it.code === status.UNKNOWN ? 'Unknown' : it.code}: ${it.details}`;
    return `response version=${it.versionInfo} nonce="${it.nonce}" resources=${routesIn(it).length}`;
  });
  expect(summaries).toEqual(
    said('fetch').map(({ summary }) => summary.replace(/version=\d+/, `version=${versionInfo}`)),
  );
  stream.close();
});

describe('TLS', () => {
  const outcome: Record<string, string> = scenarioOf('tls').outcome;

  test.each([
    ['rsa-client-certificate', 'client-rsa', undefined],
    ['ec-client-certificate', 'client', undefined],
    ['no-client-certificate', undefined, undefined],
    ['client-certificate-of-another-ca', 'client-of-other', undefined],
    ['expired-client-certificate', 'client-expired', undefined],
    ['server-name-aeraki', 'client', 'aeraki'],
    ['server-name-aeraki.istio-system', 'client', 'aeraki.istio-system'],
    ['server-name-aeraki.istio-system.svc.cluster.local', 'client', 'aeraki.istio-system.svc.cluster.local'],
  ])('%s: as recorded', async (name, certificate, serverName) => {
    await start({ tls: serverTls() });
    const client = new RouteClient(server.port, clientTls(certificate), serverName);
    const answer = await client.fetch({ node: { id: 'nobody' } });
    const code = 'code' in answer ? answer.code : status.OK;
    // Whoever is let in is told that the node is not known.
    expect(
      code === status.UNKNOWN ? 'accepted' : `refused: ${code === status.UNAVAILABLE ? 'Unavailable' : code}`,
    ).toBe(outcome[name]);
    client.close();
  });

  test.each([
    ['tls11-only', 'TLSv1.1'],
    ['tls12-only', 'TLSv1.2'],
  ] as const)('%s: as recorded', async (name, version) => {
    await start({ tls: serverTls() });
    const { cert, key, ca } = serverTls();
    const versions = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0', servername: 'aeraki' };
    const socket = connect({ port: server.port, host: '127.0.0.1', cert, key, ca, ALPNProtocols: ['h2'], ...versions });
    const result = await new Promise((resolve) => {
      socket.once('secureConnect', () => resolve('accepted'));
      socket.once('error', () => resolve('refused: Unavailable'));
    });
    socket.destroy();
    expect(result).toBe(outcome[name]);
  });
});
