import type { Duplex } from 'node:stream';
import { PairedPeer, type PoolOptions } from '../connection/index.js';
import type { Protocol } from '../message/index.js';
import type { Logger } from '../telemetry/index.js';
import type { Edges, PortStatus } from './edges.js';
import { inboundCluster, Served, type ServedParts, ServedService } from './served.js';
import { tellConnection } from './tell.js';

/** Which of the app's ports {@link Mesh.front} is for. */
export interface FrontOptions {
  /** The one that the app listens on. */
  readonly port: number;
  /**
   * `<host>:<port>` of the service whose rules hold.
   * @defaultValue as `mesh.serve` finds it: the one whose workload selector has the mesh's node and this port, or that
   * has an endpoint of this port at an address of the node
   */
  readonly service?: string;
  /** Name of what is spoken. @defaultValue what the service's port name says */
  readonly protocol?: string;
}

/**
 * The serving side of one port without a listener: what the app's own server accepts is handed over, stream by stream, and
 * what the rules let through comes out of another stream, which the app serves in its place. Made by {@link Mesh.front}.
 */
export interface Front {
  /** `<host>:<port>` of the service whose rules hold now; undefined: none describes the port. */
  readonly service: string | undefined;
  /**
   * Does a rule govern the port now, in a protocol of this mesh? Follows the rules; what was accepted before stays as it is.
   * False once the front or the mesh is closed. Costs a few field reads.
   */
  readonly governed: boolean;
  /**
   * Serves a client of the app: decodes its requests and runs them through the serving side's pipeline (rate limits,
   * interceptors, telemetry). What passes goes to the app over `app`, all of the client's calls over this one stream, with ids of
   * ours; what is refused is answered in the protocol. Heartbeats and events pass both ways. The two streams end together: the
   * client's end reaches the app once what is under way is answered, or after 5 s; a reset reaches it as one;
   * the app's end closes the client after what was written. Bytes that are not of the protocol close both.
   * @param client - of a client, as the app's server accepted it; its `remoteAddress` and `remotePort` tell who calls.
   * Half-open if replies are to reach clients that have ended their side.
   * @param app - our end of the stream that the app has instead; connected
   * @param more - opens another stream to the app in the same way: for protocols with streams, each of which has its own
   * @throws Error - the port is not {@link governed}
   */
  accept(client: Duplex, app: Duplex, more: () => Duplex): void;
  /** Accepts nothing more. What was accepted goes on until it ends. */
  close(): void;
}

export interface FrontParts extends ServedParts {
  readonly protocols: ReadonlyMap<string, Protocol>;
  readonly edges: Edges;
  readonly logger: Logger;
  readonly pool: PoolOptions | undefined;
}

/** One plan a protocol for all clients of the port, so that limits are the port's; compiled when the first one comes. */
export class PortFront implements Front {
  private readonly rules: ServedService;
  private readonly served = new Map<Protocol, Gate>();
  private protocol: Protocol | undefined;
  private closed = false;
  private readonly shown: { hide(): void } | undefined;

  /** @throws TypeError - the port is no port, or the service not `<host>:<port>` */
  constructor(
    private readonly options: FrontOptions,
    private readonly parts: FrontParts,
  ) {
    const { port, service } = options;
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new TypeError(`front: port is ${port}; it must be that of a server which listens, 1 to 65535`);
    }
    const wish = { service, port, destination: { host: '127.0.0.1', port } };
    this.rules = new ServedService(
      wish,
      parts,
      () => this.changed(),
      () => this.close(),
    );
    this.protocol = this.spoken();
    this.shown = this.closed ? undefined : parts.edges.show(() => this.status);
  }

  get service(): string | undefined {
    return this.rules.name;
  }

  get governed(): boolean {
    return this.protocol !== undefined && !this.closed && !this.parts.edges.closing;
  }

  accept(client: Duplex, main: Duplex, open: () => Duplex): void {
    const { protocol } = this;
    if (!this.governed || protocol === undefined)
      throw new Error(`front: no rule governs port ${this.options.port} now`);
    const gate = this.gate(protocol);
    client.once('close', () => {
      gate.clients--;
      this.tidy();
    });
    gate.clients++;
    gate.app.join(client, { main, open }, (peer, companion) =>
      this.parts.edges.serve(client, protocol, gate.served, { peer, companion }),
    );
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.shown?.hide();
    this.tidy();
  }

  private get status(): PortStatus | undefined {
    if (!this.governed) return undefined;
    let connections = 0;
    for (const { clients } of this.served.values()) connections += clients;
    return { direction: 'inbound', host: undefined, port: this.options.port, service: this.service, connections };
  }

  private gate(protocol: Protocol): Gate {
    let gate = this.served.get(protocol);
    if (gate !== undefined) return gate;
    const { runtime, pool } = this.parts;
    const { port } = this.options;
    const app = new PairedPeer({ protocol, runtime, pool, address: `app:${port}`, listener: tellConnection });
    const single = {
      direction: 'inbound',
      cluster: inboundCluster(this.rules.destination.port),
      address: { host: 'app', port },
      peer: () => app,
    } as const;
    gate = { app, served: new Served(protocol, this.rules, single, this.parts), clients: 0 };
    this.served.set(protocol, gate);
    return gate;
  }

  private changed(): void {
    this.protocol = this.spoken();
    this.tidy();
    for (const { served } of this.served.values()) served.changed();
  }

  /** Lets go of what serves nobody and is not wanted, and of the rules when that was the last of a closed front. */
  private tidy(): void {
    for (const [protocol, { served, clients }] of this.served) {
      if (clients > 0 || (protocol === this.protocol && !this.closed)) continue;
      this.served.delete(protocol);
      served.close();
    }
    // Of a mesh that is closed already there are none yet: their end is told while they are made.
    if (this.closed && this.served.size === 0) this.rules?.close();
  }

  private spoken(): Protocol | undefined {
    const { rule } = this.rules;
    const name = rule && (this.options.protocol ?? rule.protocol);
    if (name === undefined) return undefined;
    const protocol = this.parts.protocols.get(name);
    if (protocol === undefined) {
      const known = [...this.parts.protocols.keys()].join(', ') || 'none';
      this.parts.logger.warn(
        `port ${this.options.port} is served past the rules of ${this.service}: it speaks '${name}'; there are: ${known}`,
      );
    }
    return protocol;
  }
}

interface Gate {
  readonly app: PairedPeer;
  readonly served: Served;
  clients: number;
}
