import type { Duplex } from 'node:stream';
import { afterEach } from '@jest/globals';
import { brpc } from '../../../../adapters/protocols/brpc/index.js';
import type { Mesh, MeshOptions } from '../../../../src/index.js';
import { ByteQueue, type Message, type Side } from '../../../../src/message/index.js';
import { ManualRuntime } from '../../../../src/testing/index.js';
import { close, turn } from '../../../mesh/scene.js';
import { world } from '../../../mesh/support.js';

export const V1 = '10.0.0.1';
export const V2 = '10.0.0.2';

/** Two versions of a bRPC service at one address; calls and streams go to the first, unless a rule says otherwise. */
const RULES = `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: echo, namespace: test }
spec:
  hosts: [echo.test]
  ports: [{ number: 8000, name: tcp-metaprotocol-brpc, protocol: TCP }]
  resolution: STATIC
  endpoints:
    - { address: ${V1}, labels: { version: v1 } }
    - { address: ${V2}, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: echo, namespace: test }
spec:
  host: echo.test
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
---
`;

export function routes(spec: string): string {
  return `
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: echo, namespace: test }
spec:
  hosts: [echo.test]
  routes: [${spec}]
`;
}

export const TO_V1 = routes('{ name: r, route: [{ destination: { host: echo.test, subset: v1 } }] }');

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of closing.splice(0).reverse()) await end();
});

export interface BrpcScene {
  readonly mesh: Mesh;
  readonly runtime: ManualRuntime;
  /** An unmodified client's connection to the service. */
  client(): Wire;
  /** Serves an address: the test plays the server on each connection. */
  server(host: string): { readonly connections: Wire[] };
}

/** A mesh whose time stands still, with the service's rules and `yaml`. */
export async function scene(yaml = TO_V1, options: Partial<MeshOptions> = {}): Promise<BrpcScene> {
  const runtime = new ManualRuntime(1);
  const { mesh, network } = world(RULES + yaml, { protocols: [brpc], runtime, ...options });
  closing.push(() => close(mesh, runtime));
  await mesh.ready();
  return {
    mesh,
    runtime,
    client: () => new Wire(mesh.connect('echo.test', 8000), 'upstream'),
    server(host) {
      const connections: Wire[] = [];
      network.listen({ host, port: 8000 }, (socket) => connections.push(new Wire(socket, 'downstream')));
      return { connections };
    },
  };
}

/** One end of a connection, played by a test: writes bytes, and reads messages of the other side. */
export class Wire {
  /** All that came, in order. */
  readonly messages: Message[] = [];
  closed = false;
  readonly #queue = new ByteQueue();
  #given = 0;

  constructor(
    readonly stream: Duplex,
    side: Side,
  ) {
    const codec = brpc.open(side);
    stream.on('data', (chunk: Buffer) => {
      this.#queue.push(chunk);
      for (let it = codec.decode(this.#queue); it !== null; it = codec.decode(this.#queue)) this.messages.push(it);
    });
    stream.on('error', () => {});
    stream.once('end', () => this.#end());
    stream.once('close', () => this.#end());
  }

  #end(): void {
    this.closed = true;
  }

  write(...bytes: readonly Uint8Array[]): void {
    this.stream.write(Buffer.concat(bytes));
  }

  /** The oldest message that the test has not been given yet; waits a few turns for it. */
  async next(): Promise<Message> {
    await until(() => this.waiting > 0);
    return this.messages[this.#given++]!;
  }

  /** How many came that the test has not been given. */
  get waiting(): number {
    return this.messages.length - this.#given;
  }
}

/** Waits until it is so; fails if it is not after some turns of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    if (condition()) return;
    await turn();
  }
  throw new Error(`never so: ${condition}`);
}

export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
}
