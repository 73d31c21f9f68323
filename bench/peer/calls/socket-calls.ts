import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { callerOf } from '../kit/closed-loop.js';
import { FrameReader } from '../kit/frame-reader.js';
import { type Exchange, filled, tokenOf } from '../kit/wire.js';
import type { Address, OpenConnection, Replied, Way } from './ways.js';

export const dial: OpenConnection = async (to: Address) => {
  const socket = connect({ ...to, noDelay: true });
  await once(socket, 'connect');
  return socket;
};

/** Over byte streams: one for all callers where the protocol has ids, else one for each. */
export function socketCalls(open: OpenConnection): Way {
  return async (exchange, to, callers, replied) => {
    const count = exchange.multiplexed ? 1 : callers;
    const streams: Duplex[] = [];
    for (let i = 0; i < count; i++) streams.push(await connected(open, to, exchange, replied));
    return {
      send(id) {
        write(streams[exchange.multiplexed ? 0 : callerOf(id)]!, exchange, id);
      },
      close() {
        for (const stream of streams) stream.destroy();
      },
    };
  };
}

async function connected(open: OpenConnection, to: Address, exchange: Exchange, replied: Replied): Promise<Duplex> {
  const { wire, reply } = exchange;
  const stream = await open(to);
  const reader = new FrameReader(wire, wire.replyTokenAt, (id, token, _, intact) => replied(id, token, intact), reply);
  stream.on('data', (chunk: Buffer) => reader.push(chunk));
  stream.on('error', (error) => console.error(`${exchange.protocol} to ${to.host}:${to.port}: ${error.message}`));
  return stream;
}

function write(stream: Duplex, { request, wire }: Exchange, id: number): void {
  const pieces = filled(request, wire, wire.requestTokenAt, id, tokenOf(id));
  if (pieces.length === 1) {
    stream.write(pieces[0]!);
    return;
  }
  stream.cork();
  for (const piece of pieces) stream.write(piece);
  stream.uncork();
}
