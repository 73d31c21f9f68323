/**
 * The app's own servers, behind the inbound pipeline on the ports that rules govern. A server of Node accepts a socket and emits
 * `connection`; where the port is governed, the mesh serves that socket, and the app's handlers get another in its place, which
 * carries what the mesh lets through. All the rest is Node's and stays so: who is accepted, how many, and when a server is closed
 * is counted by the sockets that the system knows.
 *
 * Left alone, for good reason:
 *
 * - ports that no rule governs: one look-up a connection; what was accepted before a rule came stays as it is;
 * - unix sockets, which have no port;
 * - sockets that the server did not accept itself: of another process, made of a descriptor, emitted by the app, or ours;
 * - TLS servers, whose bytes cannot be read, and servers with `pauseOnConnect`, whose sockets go to other processes: with a
 *   warning, once a port, if rules govern it.
 */
import { AsyncResource } from 'node:async_hooks';
import { type AddressInfo, Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { Front, Mesh } from '../../../src/index.js';
import type { FarEnd } from './bound-socket.js';
import { type Patch, patch } from './patch.js';
import { closesAccepted, isServerSocket, serverSocket } from './server-socket.js';

export interface InboundParts {
  readonly mesh: Pick<Mesh, 'front'>;
  /** What an operator should know. */
  readonly warn: (message: string) => void;
  /** A port that the app listens on is governed. @defaultValue nobody is told */
  readonly governing?: (port: GovernedPort) => void;
}

/** A port of the app that rules govern now. */
export interface GovernedPort {
  readonly port: number;
  /** `<host>:<port>` of the service whose rules hold. */
  readonly service: string;
}

/** Undone, new connections are the app's own again; those that are served stay so until they end. */
export interface InstalledInbound extends Patch {
  /** Those that the app listens on and that are governed at this moment. */
  readonly ports: readonly GovernedPort[];
}

/** Puts the servers of this process behind the mesh, those that listen already included. */
export function installInbound(parts: InboundParts): InstalledInbound {
  const servers = new Servers(parts);
  const patched = patch(Server.prototype, 'emit', (emit: Emit) => {
    return function (this: Server, ...args: Parameters<Emit>): boolean {
      const event = args[0];
      if (event === 'connection') {
        const socket = servers.accept(this, args[1], emit);
        if (socket !== undefined) return emit.call(this, event, socket);
      } else if (event === 'listening') {
        servers.listening(this);
      } else if (event === 'close') {
        servers.closed(this);
      }
      return emit.apply(this, args);
    };
  });
  return {
    get ports() {
      return servers.ports;
    },
    undo() {
      patched.undo();
      servers.close();
    },
  };
}

type Emit = (this: Server, event: string | symbol, ...args: unknown[]) => boolean;

/** A server, and whether its connections are the mesh's business. */
interface Known {
  readonly shared: SharedFront;
  /** Why it is left alone, though rules may govern its port. */
  readonly excuse: string | undefined;
}

/** Of all servers of a port: one on each address, say. */
interface SharedFront {
  readonly port: number;
  readonly front: Front;
  servers: number;
  warned: boolean;
}

class Servers {
  /** `undefined`: it listens on nothing that could be governed. */
  private readonly known = new WeakMap<Server, Known | undefined>();
  private readonly fronts = new Map<number, SharedFront>();

  constructor(private readonly parts: InboundParts) {}

  get ports(): readonly GovernedPort[] {
    return [...this.fronts.values()].flatMap(({ port, front }) =>
      front.governed ? [{ port, service: front.service! }] : [],
    );
  }

  /** @returns what the app gets in the socket's place; undefined: the socket itself */
  accept(server: Server, socket: unknown, emit: Emit): Socket | undefined {
    const known = this.known.has(server) ? this.known.get(server) : this.learn(server);
    if (known === undefined || !known.shared.front.governed || !isAccepted(socket, server)) return undefined;
    if (known.excuse !== undefined) {
      this.warn(known.shared, known.excuse);
      return undefined;
    }
    const more = AsyncResource.bind(() => {
      const { socket: next, far } = ROOT.runInAsyncScope(serverSocket, undefined, socket, server);
      // A turn of its own: what the app throws is the app's.
      process.nextTick(() => emit.call(server, 'connection', next));
      return far;
    });
    return ROOT.runInAsyncScope(serve, undefined, known.shared.front, socket, server, more);
  }

  listening(server: Server): void {
    const known = this.learn(server);
    if (known === undefined || !known.shared.front.governed) return;
    const { port, front, servers } = known.shared;
    if (known.excuse !== undefined) this.warn(known.shared, known.excuse);
    else if (servers === 1) this.parts.governing?.({ port, service: front.service! });
  }

  closed(server: Server): void {
    const known = this.known.get(server);
    this.known.delete(server);
    if (known === undefined || --known.shared.servers > 0) return;
    known.shared.front.close();
    this.fronts.delete(known.shared.port);
  }

  close(): void {
    for (const { front } of this.fronts.values()) front.close();
    this.fronts.clear();
  }

  private learn(server: Server): Known | undefined {
    this.closed(server);
    const known = this.look(server);
    this.known.set(server, known);
    return known;
  }

  private look(server: Server): Known | undefined {
    const address = server.address() as AddressInfo | string | null;
    if (address === null || typeof address === 'string' || OURS in server) return undefined;
    const { port } = address;
    let shared = this.fronts.get(port);
    if (shared === undefined) {
      shared = { port, front: this.parts.mesh.front({ port }), servers: 0, warned: false };
      this.fronts.set(port, shared);
    }
    shared.servers++;
    return { shared, excuse: excuseOf(server) };
  }

  private warn(shared: SharedFront, excuse: string): void {
    if (shared.warned) return;
    shared.warned = true;
    this.parts.warn(`port ${shared.port} is served past the rules of ${shared.front.service}: ${excuse}`);
  }
}

/** Events of accepted sockets come in no one's async context; only `connection` itself comes in the server's. */
const ROOT = new AsyncResource('meltemi.inbound');

/** What a listener of a mesh has: it needs no other in front of it. */
const OURS = Symbol.for('meltemi.listener');

function excuseOf(server: Server): string | undefined {
  if (server instanceof TlsServer) return 'its clients speak TLS, which the mesh cannot read';
  if ((server as { pauseOnConnect?: boolean }).pauseOnConnect === true) {
    return 'its server has pauseOnConnect, by which sockets are given to other processes as they are';
  }
  return undefined;
}

/** By this server, from the system. */
function isAccepted(socket: unknown, server: Server): socket is Socket {
  return (
    socket instanceof Socket &&
    (socket as { server?: unknown }).server === server &&
    (socket as { _handle?: unknown })._handle != null &&
    !isServerSocket(socket)
  );
}

/** @returns what the app gets */
function serve(front: Front, accepted: Socket, server: Server, more: () => FarEnd): Socket {
  const { socket, far } = serverSocket(accepted, server);
  closesAccepted(socket);
  // Whether replies to a client that has ended its side are wanted is said by the app's own socket.
  accepted.allowHalfOpen = true;
  front.accept(accepted, far, more);
  return socket;
}
