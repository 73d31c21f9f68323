import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { inProcessDuplex } from '../../src/connection/index.js';
import type { Front, FrontOptions, Mesh, MeshOptions } from '../../src/index.js';
import { ByteQueue, type Message } from '../../src/message/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { FrameCodec, frame, KIND, payloadOf } from '../connection/support/frame-protocol.js';
import { FrameClient } from './frame-client.js';
import { close, closing } from './scene.js';
import { demoService, type World, world } from './support.js';

/** What the app does with a request of one of its connections. */
export type Script = (request: Message, stream: Duplex) => void;

export const echo: Script = (request, stream) => {
  if (request.kind === 'request') stream.write(reply(request));
};

export function reply(request: Message, payload = payloadOf(request)): Buffer {
  return frame(KIND.response, request.idHigh, request.idLow, payload);
}

/** An app's server as it sees its connections: streams that it is given. */
export class App {
  readonly streams: Duplex[] = [];
  readonly requests: Message[] = [];
  script: Script = echo;
  #wake: (() => void)[] = [];

  serve(stream: Duplex): void {
    this.streams.push(stream);
    const [queue, codec] = [new ByteQueue(), new FrameCodec(true, 'error')];
    stream.on('error', () => {});
    for (const event of ['end', 'close', 'error']) stream.on(event, () => this.#look());
    stream.on('data', (chunk: Buffer) => {
      queue.push(chunk);
      for (let it = codec.decode(queue); it !== null; it = codec.decode(queue)) {
        this.requests.push(it);
        this.script(it, stream);
      }
      this.#look();
    });
    this.#look();
  }

  get payloads(): string[] {
    return this.requests.map(payloadOf);
  }

  /** Resolves once it holds; looked at whenever something happens to a connection. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  #look(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

export interface FrontScene extends World {
  readonly app: App;
  readonly front: Front;
  readonly runtime: ManualRuntime;
  /** Of the mesh's ends: real sockets, as a server accepted them. */
  readonly accepted: Socket[];
  readonly port: number;
  dial(): FrameClient;
}

/** A mesh in front of an app: real sockets on the clients' side, streams within the process on the app's. */
export async function frontScene(
  yaml = demoService,
  options: Partial<MeshOptions> = {},
  of: FrontOptions = { port: 9000, service: 'demo.test:9000' },
): Promise<FrontScene> {
  const runtime = new ManualRuntime(1);
  const it = world(yaml, { runtime, ...options });
  closing.push(() => close(it.mesh, runtime));
  await it.mesh.ready();
  const app = new App();
  const front = it.mesh.front(of);
  const accepted: Socket[] = [];
  const open = () => {
    const [end, far] = inProcessDuplex({ clientEnds: true });
    app.serve(end);
    return far;
  };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    socket.on('error', () => {});
    if (front.governed) front.accept(socket, open(), open);
    else app.serve(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  closing.push(async () => {
    for (const socket of accepted) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const dial = () => {
    const client = FrameClient.dial(port);
    closing.push(async () => client.stream.destroy());
    return client;
  };
  return { ...it, runtime, app, front, accepted, port, dial };
}

/** How many clients the mesh's fronts serve, plans and subscriptions: what must not grow. */
export function paired(front: Front): { readonly clients: number; readonly gates: number } {
  const { served } = front as never as { served: Map<unknown, { app: { clients: number } }> };
  return { clients: [...served.values()].reduce((sum, { app }) => sum + app.clients, 0), gates: served.size };
}

export type { Mesh };
