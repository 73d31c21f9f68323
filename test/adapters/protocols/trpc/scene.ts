import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach } from '@jest/globals';
import { trpc } from '../../../../adapters/protocols/trpc/index.js';
import type { Mesh, MeshOptions } from '../../../../src/index.js';
import { ByteQueue, type Message, type Side } from '../../../../src/message/index.js';
import { ManualRuntime, type MemoryNetwork } from '../../../../src/testing/index.js';
import { close, turn } from '../../../mesh/scene.js';
import { world } from '../../../mesh/support.js';

export { turn };

export const V1 = '10.0.0.1';
export const V2 = '10.0.0.2';

/** Two versions of a tRPC service at one address. */
const RULES = `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: greeter, namespace: test }
spec:
  hosts: [greeter.test]
  ports: [{ number: 8000, name: tcp-metaprotocol-trpc-server, protocol: TCP }]
  resolution: STATIC
  endpoints:
    - { address: ${V1}, labels: { version: v1 } }
    - { address: ${V2}, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: greeter, namespace: test }
spec:
  host: greeter.test
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
`;

export function routes(spec: string): string {
  return `
---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: greeter, namespace: test }
spec: { hosts: [greeter.test], ${spec} }
`;
}

export const TO_V1 = routes('routes: [{ name: r, route: [{ destination: { host: greeter.test, subset: v1 } }] }]');

export function policy(spec: string): string {
  return `
---
apiVersion: meltemi.dev/v1alpha1
kind: TrafficPolicy
metadata: { name: greeter, namespace: test }
spec: { targetRefs: [{ host: greeter.test }], ${spec} }
`;
}

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of closing.splice(0).reverse()) await end();
});

export interface TrpcScene {
  readonly mesh: Mesh;
  readonly runtime: ManualRuntime;
  readonly network: MemoryNetwork;
  /** An unmodified client's connection to the service. */
  client(): Wire;
  /** The same, on a port of this machine. */
  dial(port: number): Wire;
  /** Serves an address: the test plays the server on each connection. */
  server(host: string): { readonly connections: Wire[]; stop(): void };
}

/** A mesh whose time stands still, with the service's rules and `yaml`. */
export async function scene(yaml = TO_V1, options: Partial<MeshOptions> = {}): Promise<TrpcScene> {
  const runtime = new ManualRuntime(1);
  const { mesh, network } = world(RULES + yaml, { protocols: [trpc], runtime, ...options });
  closing.push(() => close(mesh, runtime));
  await mesh.ready();
  return {
    mesh,
    runtime,
    network,
    client: () => new Wire(mesh.connect('greeter.test', 8000), 'upstream'),
    dial: (port) => new Wire(connect({ port, host: '127.0.0.1' }), 'upstream'),
    server(host) {
      const connections: Wire[] = [];
      const stop = network.listen({ host, port: 8000 }, (socket) => connections.push(new Wire(socket, 'downstream')));
      return { connections, stop };
    },
  };
}

/** One end of a connection, played by a test: writes bytes, and reads messages of the other side. */
export class Wire {
  /** All that came, in order. */
  readonly messages: Message[] = [];
  /** Bytes of what came. */
  readonly bytes: Buffer[] = [];
  closed = false;
  readonly #queue = new ByteQueue();
  #given = 0;

  constructor(
    readonly stream: Duplex,
    side: Side,
  ) {
    const codec = trpc.open(side);
    stream.on('data', (chunk: Buffer) => {
      this.#queue.push(chunk);
      for (let it = codec.decode(this.#queue); it !== null; it = codec.decode(this.#queue)) {
        this.messages.push(it);
        this.bytes.push(Buffer.concat(it.bytes));
      }
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
    for (let i = 0; i < 2000 && this.#given === this.messages.length; i++) await turn();
    const message = this.messages[this.#given++];
    if (message === undefined) throw new Error('nothing came');
    return message;
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
