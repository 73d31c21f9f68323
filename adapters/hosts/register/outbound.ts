/**
 * Sockets that an app connects to the mesh's services become ends of streams within the process, before a name is looked
 * up: by name and port, by virtual address, by the address of an endpoint. All others are Node's, with the arguments that
 * they were given.
 */
import { channel } from 'node:diagnostics_channel';
import net, { type BlockList, isIP, Socket } from 'node:net';
import type { Mesh } from '../../../src/index.js';
import { bindSocket, type FarEnd, farEndOf, type SocketName, unbindSocket } from './bound-socket.js';
import { type Asked, connectArguments } from './connect-arguments.js';
import type { Destinations } from './destinations.js';
import { nodeLookup } from './node-functions.js';
import { type Patch, patch } from './patch.js';
import type { SocketInternals } from './socket-internals.js';
import { blockedError, connectError } from './system-errors.js';

export interface OutboundParts {
  readonly mesh: Pick<Mesh, 'attach'>;
  readonly destinations: Destinations;
  readonly warn: (message: string) => void;
}

/** Replaces `connect` of `net.Socket`, by which all TCP clients of a process go, `tls` and `http2` included. */
export function installOutbound({ mesh, destinations, warn }: OutboundParts): Patch {
  const encrypted = new Set<string>();
  return patch(Socket.prototype, 'connect', (connect) => {
    return function (this: Socket, ...args: unknown[]): Socket {
      const asked = connectArguments(args);
      const meant = asked && destinations.governed(asked.host, asked.port);
      if (asked !== undefined && isOurs(this, asked)) {
        const address = shownAddress(asked, meant && destinations.addressesOf(meant.host));
        const before = farEndOf(this);
        if (before !== undefined && !this.destroyed) {
          tellDiagnostics(this);
          connectAgain(this, asked, address, before);
          return this;
        }
        if (meant !== undefined) {
          tellDiagnostics(this);
          const far = begin(this, asked, address);
          const tell = () => setImmediate(announce, this, far, lookedUp(asked));
          if (far.connects) attach(mesh, far, meant, () => far.inScope(tell)); // called by an event of another socket, maybe
          return this;
        }
      }
      if (meant !== undefined && isEncrypted(this)) tellEncrypted(`${meant.host}:${meant.port}`, encrypted, warn);
      if (farEndOf(this) !== undefined) unbindSocket(this);
      return connect.apply(this, asked === undefined ? args : ungoverned(asked, args, destinations));
    };
  });
}

/** A socket with a handle is Node's: TLS begins in one, or it is connected already. What is no address Node has to refuse. */
function isOurs(socket: Socket, { options }: Asked): boolean {
  const { localAddress, lookup } = options;
  if ((socket as unknown as SocketInternals)._handle !== null) return false;
  if (localAddress && isIP(localAddress) === 0) return false;
  return lookup === undefined || lookup === null || typeof lookup === 'function';
}

/** Of a socket that is new or closed. */
function begin(socket: Socket, asked: Asked, address: string): FarEnd {
  const { options, port } = asked;
  const internals = socket as unknown as SocketInternals & { _host: string | null };
  listenOnce(internals, asked);
  const family = isIP(address) === 6 ? 6 : 4;
  const local = options.localAddress || (family === 6 ? '::1' : '127.0.0.1');
  const far = bindSocket(socket, {
    remote: nameOf(address, port),
    local: nameOf(local, options.localPort || anyPort()),
    connecting: true,
  });
  const blockList = options.blockList as BlockList | undefined;
  if (blockList?.check(address, family === 6 ? 'ipv6' : 'ipv4')) {
    socket.destroy(blockedError(address));
    return far;
  }
  const looked = lookedUp(asked);
  if (looked !== undefined) internals._host = looked;
  return far;
}

/** Nothing of ours may throw where Node's `connect` does not. */
function attach(
  mesh: Pick<Mesh, 'attach'>,
  far: FarEnd,
  destination: { host: string; port: number },
  connected: () => void,
): void {
  try {
    mesh.attach(far, destination, connected);
  } catch (error) {
    far.destroy(error as Error);
  }
}

/** The events of a connect that succeeds, in a turn of their own, as of a socket of the system. */
function announce(socket: Socket, far: FarEnd, looked: string | undefined): void {
  const { address, family, port } = far.binding.remote;
  const number = family === 'IPv6' ? 6 : 4;
  if (!far.connects) return;
  if (looked !== undefined) socket.emit('lookup', null, address, number, looked);
  if (far.connects) socket.emit('connectionAttempt', address, port, number);
  far.connected();
}

/** The name that Node would have looked up. */
function lookedUp({ host }: Asked): string | undefined {
  return isIP(host) === 0 ? host : undefined;
}

const clientSockets = channel('net.client.socket');
/** Node 20 does so in `net.connect`, later ones (22.18 and 24.10 at the latest) in the method that is replaced here. */
const CONNECT_TELLS = !String(net.connect).includes('.publish(');

function tellDiagnostics(socket: Socket): void {
  if (CONNECT_TELLS && clientSockets.hasSubscribers) clientSockets.publish({ socket });
}

/** As the system has it: a second connect breaks one under way, and changes nothing once it is done, whatever it asks for. */
function connectAgain(socket: Socket, asked: Asked, address: string, far: FarEnd): void {
  const internals = socket as unknown as SocketInternals;
  listenOnce(internals, asked);
  if (socket.connecting) {
    socket.destroy(connectError('EALREADY', address, asked.port));
    return;
  }
  internals.connecting = true;
  setImmediate(announce, socket, far, undefined);
}

function listenOnce(socket: SocketInternals, { callback }: Asked): void {
  if (callback !== undefined) socket.once('connect', callback);
  socket._unrefTimer();
}

/** What Node is asked instead: of a host of ours the real addresses, as ours would lead nowhere. */
function ungoverned({ options, host, port, callback }: Asked, args: unknown[], destinations: Destinations): unknown[] {
  const given = destinations.nameOf(host);
  if (given === undefined && (options.lookup || isIP(host) !== 0 || destinations.host(host) === undefined)) return args;
  const real = { ...options, lookup: options.lookup ?? nodeLookup, host: given ?? host, port };
  return callback === undefined ? [real] : [real, callback];
}

/** The address that a socket shows as its other end's. */
function shownAddress({ host, options }: Asked, addresses: readonly string[] = []): string {
  if (isIP(host) !== 0) return host;
  const wanted = addresses.find((address) => isIP(address) === options.family);
  return wanted ?? addresses[0] ?? '127.0.0.1';
}

function nameOf(address: string, port: number): SocketName {
  return { address, family: isIP(address) === 6 ? 'IPv6' : 'IPv4', port };
}

/** Ports of the system's own range for clients, one after the other: some clients tell their sockets apart by them. */
let port = 0;
function anyPort(): number {
  port = (port + 1) % 16_384;
  return 49_152 + port;
}

function isEncrypted(socket: Socket): boolean {
  return (socket as Socket & { encrypted?: boolean }).encrypted === true;
}

function tellEncrypted(service: string, told: Set<string>, warn: (message: string) => void): void {
  if (told.has(service)) return;
  told.add(service);
  warn(
    `TLS of this app to ${service} goes past the mesh, which cannot read it: have the client speak plain text, and rules say where TLS is wanted`,
  );
}
