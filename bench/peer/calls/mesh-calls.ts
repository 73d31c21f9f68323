import { startMesh } from '../../../adapters/node/index.js';
import { PROTOCOLS } from '../../../adapters/node/protocols.js';
import type { Mesh } from '../../../src/index.js';
import { ByteQueue } from '../../../src/message/index.js';
import { PROTOCOLS as KNOWN } from '../kit/exchanges.js';
import { FrameReader } from '../kit/frame-reader.js';
import { filled, tokenOf } from '../kit/wire.js';
import type { OpenConnection, Way } from './ways.js';

/** A mesh as users start it. */
export async function startBenchMesh(rules: string): Promise<Mesh> {
  const mesh = await startMesh({ rules, protocols: [...KNOWN] });
  await mesh.ready();
  return mesh;
}

/** By a mesh in this process: `connect` gives streams, `call` makes calls of messages. */
export function meshWays(mesh: Mesh): { readonly connect: OpenConnection; readonly call: Way } {
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
