import { once } from 'node:events';
import { createServer } from 'node:net';
import { Destinations } from '../../../../../adapters/hosts/register/destinations.js';
import { installLookup } from '../../../../../adapters/hosts/register/lookup.js';
import { nodeConnect, nodeDns } from '../../../../../adapters/hosts/register/node-functions.js';
import { installOutbound } from '../../../../../adapters/hosts/register/outbound.js';
import { createMesh, type Mesh, type MeshOptions } from '../../../../../src/index.js';
import { namesBy, plainTransportBy } from '../../../../../src/spi.js';
import { silentLogger } from '../../../../../src/telemetry/index.js';
import { EchoServer } from '../../../../connection/support/echo-server.js';
import { frames, YamlSource } from '../../../../mesh/support.js';

/** A mesh that stands between this process and the network, as the preload does, and a server that it governs. */
export interface Governed {
  readonly mesh: Mesh;
  readonly server: EchoServer;
  /** Where a server listens that takes anything and says nothing: the endpoint of `raw.test:9000`. */
  readonly rawPort: number;
  readonly warned: string[];
  undo(): void;
  close(): Promise<void>;
}

/** `demo.test:9000`, `virtual.test:9000` at 10.7.7.7, `demo.shop.svc.test:9000` and `localhost:9000`, all served by one server. */
export async function governed(options: Partial<MeshOptions> = {}): Promise<Governed> {
  const server = await new EchoServer().listen();
  const raw = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(raw, 'listening');
  const { port: rawPort } = raw.address() as { port: number };
  const entry = (host: string, more = '', port = server.port) => `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: '${host}', namespace: test }
spec:
  hosts: ['${host}']
  ports: [{ number: 9000, name: tcp-metaprotocol-frame, protocol: TCP }]
  resolution: STATIC
  ${more}
  endpoints: [{ address: 127.0.0.1, ports: { tcp-metaprotocol-frame: ${port} } }]
`;
  const source = new YamlSource(
    [
      entry('demo.test'),
      entry('virtual.test', 'addresses: [10.7.7.7, 10.8.0.0/16]'),
      entry('demo.shop.svc.test'),
      entry('localhost'),
      entry('raw.test', '', rawPort),
    ].join('---'),
  );
  const mesh = createMesh({
    sources: [source],
    protocols: [frames],
    transport: plainTransportBy(nodeConnect),
    names: namesBy(nodeDns),
    logger: silentLogger,
    ...options,
  });
  await mesh.ready();
  const destinations = new Destinations(mesh, { domains: ['shop.svc.test', 'svc.test'], dots: 5 });
  const warned: string[] = [];
  const patches = [
    installOutbound({ mesh, destinations, warn: (message) => warned.push(message) }),
    installLookup(destinations),
  ];
  const undo = () => {
    for (const patch of patches) patch.undo();
  };
  return {
    ...{ mesh, server, rawPort, warned, undo },
    async close() {
      undo();
      await mesh.close({ drainMs: 0 });
      await server.close();
      raw.close();
    },
  };
}
