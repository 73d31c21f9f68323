import { once } from 'node:events';
import { createServer, type Server, type ServerOpts, type Socket } from 'node:net';
import {
  type GovernedPort,
  type InstalledInbound,
  installInbound,
} from '../../../../../adapters/hosts/register/inbound.js';
import { plainTransport } from '../../../../../src/connection/index.js';
import type { Mesh, MeshOptions } from '../../../../../src/index.js';
import { ByteQueue, type Message } from '../../../../../src/message/index.js';
import { FrameCodec } from '../../../../connection/support/frame-protocol.js';
import { FrameClient } from '../../../../mesh/frame-client.js';
import { echo, reply, type Script } from '../../../../mesh/front-scene.js';
import { world, type YamlSource } from '../../../../mesh/support.js';

export { echo, reply };

/** A service whose only endpoint is a port of this machine. */
export function rulesOf(port: number, limit = 1_000_000, protocol = 'frame'): string {
  const endpoints = `endpoints: [{ address: 127.0.0.1, ports: { tcp-metaprotocol-${protocol}: ${port} } }]`;
  return rules(`number: 9000, name: tcp-metaprotocol-${protocol}`, endpoints, limit);
}

/** A service that the workload with the label `app: demo` serves at a port: clients that dial the port mean no service. */
export function workloadRules(port: number, protocol: string, limit = 1_000_000): string {
  const selector = 'workloadSelector: { labels: { app: demo } }';
  return rules(`number: 9000, targetPort: ${port}, name: tcp-metaprotocol-${protocol}`, selector, limit);
}

function rules(port: string, more: string, limit: number): string {
  return `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: demo, namespace: default }
spec:
  hosts: [demo.test]
  ports: [{ ${port}, protocol: TCP }]
  resolution: STATIC
  ${more}
---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: demo, namespace: default }
spec:
  hosts: [demo.test]
  localRateLimit: { tokenBucket: { maxTokens: ${limit}, tokensPerFill: 1, fillInterval: 60s } }
`;
}

export interface Installed {
  readonly mesh: Mesh;
  readonly source: YamlSource;
  readonly inbound: InstalledInbound;
  readonly warnings: string[];
  /** What was told of ports that are governed. */
  readonly told: GovernedPort[];
  close(): Promise<void>;
}

/** The servers of this process behind a mesh of its own, whose node is this machine. */
export async function install(options: Partial<MeshOptions> = {}): Promise<Installed> {
  const warnings: string[] = [];
  const told: GovernedPort[] = [];
  const { mesh, source } = world('', {
    node: { addresses: ['127.0.0.1'] },
    transport: plainTransport,
    ...options,
  });
  await mesh.ready();
  const inbound = installInbound({
    mesh,
    warn: (message) => warnings.push(message),
    governing: (port) => told.push(port),
  });
  const close = async () => {
    inbound.undo();
    await mesh.close({ drainMs: 0 });
  };
  return { mesh, source, inbound, warnings, told, close };
}

export async function listening<S extends Server>(server: S, port = 0): Promise<number> {
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return (server.address() as { port: number }).port;
}

/** A server of the test protocol, as an app would write it. */
export function frameServer(script: Script = echo, options: ServerOpts = {}): Server {
  return createServer(options, (socket) => serveFrames(socket, script));
}

export function serveFrames(socket: Socket, script: Script = echo): void {
  const [queue, codec] = [new ByteQueue(), new FrameCodec(true, 'error')];
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    queue.push(chunk);
    for (let it: Message | null = codec.decode(queue); it !== null; it = codec.decode(queue)) script(it, socket);
  });
}

export { FrameClient };
