/** Node's own functions, as they were when this was loaded: what the mesh itself uses, whatever is replaced after. */
import dns from 'node:dns';
import { type NetConnectOpts, Socket } from 'node:net';
import type { Dns } from '../../../src/spi.js';

export const nodeLookup = dns.lookup;

const { lookup, resolve4, resolve6 } = dns.promises;

export const nodeDns: Dns = { lookup, resolve4, resolve6 };

const connect = Socket.prototype.connect;

/**
 * A socket of the mesh itself, which nobody binds. It never keeps the process alive: the app's own sockets do, for as long as
 * they would without a mesh.
 */
export function nodeConnect(options: NetConnectOpts): Socket {
  const socket = new Socket(options);
  socket.on('connectionAttempt', unref); // for each address of a host Node takes another handle
  (connect as (options: object) => Socket).call(socket, { lookup: nodeLookup, ...options });
  socket.unref();
  socket.ref = () => socket;
  return socket;
}

function unref(this: Socket): void {
  this.unref();
}
