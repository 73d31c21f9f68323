import { PROTOCOLS } from '../../../adapters/node/protocols.js';
import type { Mesh } from '../../../src/index.js';
import { ByteQueue } from '../../../src/message/index.js';
import { startBenchMesh } from '../kit/bench-mesh.js';
import { FrameReader } from '../kit/frame-reader.js';
import { filled, tokenOf } from '../kit/wire.js';
import type { OpenConnection, Way } from './ways.js';

/** By a mesh in this process: `connect` gives streams, `call` makes calls of messages. */
export async function meshWays(rules: string): Promise<{ readonly connect: OpenConnection; readonly call: Way }> {
  const mesh = await startBenchMesh(rules);
  return { connect: async ({ host, port }) => mesh.connect(host, port), call: callsOf(mesh) };
}

/** Each request is a message made of its bytes, as typed clients make theirs. */
function callsOf(mesh: Mesh): Way {
  return async ({ protocol, wire, request, reply }, to, _callers, replied) => {
    const codec = (await PROTOCOLS.get(protocol)!()).open('downstream');
    const queue = new ByteQueue();
    let calling = 0;
    // The id of a reply is that of the connection it came by: the mesh gave it to its call.
    const onReply = (_id: number, token: number, _length: number, intact: boolean) => replied(calling, token, intact);
    const reader = new FrameReader(wire, wire.replyTokenAt, onReply, reply);
    return {
      send(id) {
        for (const piece of filled(request, wire, wire.requestTokenAt, id, tokenOf(id))) queue.push(piece);
        mesh.call(to, codec.decode(queue)!).subscribe({
          next: ({ message }) => {
            calling = id;
            for (const piece of message!.bytes) reader.push(piece);
          },
          error: (error: Error) => console.error(`${protocol} to ${to.host}:${to.port}: ${error.message}`),
        });
      },
      close() {},
    };
  };
}
