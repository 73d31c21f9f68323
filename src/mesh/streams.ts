import type { Duplex } from 'node:stream';
import { type Dispatcher, Failure } from '../call/index.js';
import {
  type Drainable,
  inProcessDuplex,
  type Listener,
  type Successor,
  type TransportSocket,
} from '../connection/index.js';
import type { Protocol } from '../message/index.js';
import type { Edges } from './edges.js';
import type { ListenOptions } from './options.js';
import type { Placements } from './placement/index.js';
import type { Singles } from './singles.js';
import type { Target } from './target.js';

export interface StreamsParts {
  readonly placements: Placements;
  readonly singles: Singles;
  readonly protocols: ReadonlyMap<string, Protocol>;
  readonly transport: TransportSocket;
  readonly edges: Edges;
  readonly dispatcher: (target: Target) => Dispatcher;
}

/** Streams of this process to services, each by the placement of its destination. */
export class Streams {
  private readonly waiting = new Set<Waiting>();
  private closed = false;

  constructor(private readonly parts: StreamsParts) {}

  /** What waited may go on, if it need not any more. */
  release(): void {
    for (const it of this.waiting) {
      if (this.waits(it.target)) continue;
      this.waiting.delete(it);
      it.go();
    }
  }

  /** New streams are refused from here on. */
  close(): void {
    this.closed = true;
    this.release();
  }

  /** A stream within the process, which emits `connect` on the next tick: some clients send nothing before. */
  connect(target: Target): Duplex {
    const [client, server] = inProcessDuplex({ ...target.destination, clientEnds: true });
    this.attach(server, target);
    process.nextTick(emitConnect, client);
    return client;
  }

  /**
   * The far end of a stream whose client meant the target. What cannot be served is destroyed with the Failure.
   * @param connected - called once there is somebody at the other end: at once where that is this mesh
   */
  attach(stream: Duplex, target: Target, connected: () => void = () => {}): void {
    this.whenPlaced(target, () => {
      if (stream.destroyed) return;
      const taken = this.closed ? new Failure('DRAINING') : this.take(stream, target, connected);
      if (!(taken instanceof Failure)) return;
      stream.on('error', () => {}); // the client's end tells it
      stream.destroy(taken);
    });
  }

  /** @throws Failure - `NO_SERVICE`: its streams could not be served; `DRAINING`: the mesh was closed */
  async listen(target: Target, options: ListenOptions): Promise<Listener> {
    const { placements, protocols, edges } = this.parts;
    await new Promise<void>((resolve) => this.whenPlaced(target, resolve));
    if (this.closed) throw new Failure('DRAINING');
    const { protocol } = target;
    if (protocol === undefined && placements.of(target).placement !== 'sidecar') {
      throw new Failure('NO_SERVICE', {
        role: 'listen',
        reason: `cannot listen for ${options.service}: no rule describes it, or it speaks no protocol of this mesh (there are: ${[...protocols.keys()].join(', ') || 'none'})`,
      });
    }
    const about = { direction: 'outbound', service: options.service } as const;
    return edges.listen(
      options,
      (stream) => this.accept(stream, target, protocol),
      () => about,
    );
  }

  private waits(target: Target): boolean {
    return !this.closed && this.parts.placements.of(target).placement === 'waiting';
  }

  private whenPlaced(target: Target, go: () => void): void {
    if (this.waits(target)) this.waiting.add({ target, go });
    else go();
  }

  /**
   * Serves a stream of one of our own clients, or passes it through, byte for byte: to the sidecar, or where it was
   * addressed. One that is served stays so, and its calls go where each belongs. One that is passed through for a while
   * only is served, from some moment between two calls on, when its destination is placed in-process.
   * @returns a Failure if it can be neither
   */
  private take(stream: Duplex, target: Target, connected: () => void = () => {}): Drainable | Failure {
    const { edges, placements, transport, dispatcher } = this.parts;
    const placed = placements.of(target);
    if (placed.ungoverned || placed.placement === 'direct') {
      const address = placed.placement === 'sidecar' ? placed.sidecar : target.destination;
      return edges.pass(stream, transport.connect(address).once('connect', connected), this.successor(target));
    }
    const { protocol } = target;
    if (protocol === undefined) return placements.refusal(target);
    connected();
    return edges.serve(stream, protocol, dispatcher(target));
  }

  /**
   * {@link take} for a stream of a listener, which is served whenever it can be read.
   * @param spoken - what was spoken there when we began to listen
   */
  private accept(stream: Duplex, target: Target, spoken: Protocol | undefined): Drainable {
    const { edges, placements, dispatcher } = this.parts;
    const protocol = target.protocol ?? spoken;
    if (protocol !== undefined && placements.of(target).placement !== 'sidecar') {
      return edges.serve(stream, protocol, dispatcher(target));
    }
    const taken = this.take(stream, target);
    if (!(taken instanceof Failure)) return taken;
    stream.destroy();
    return { drain: () => Promise.resolve() };
  }

  /** Undefined: what is spoken is not known, or its calls cannot be told apart. */
  private successor(target: Target): Successor | undefined {
    const { edges, placements, singles, dispatcher } = this.parts;
    if (!target.placed.ungoverned) return undefined;
    const protocol = singles.protocol(target);
    if (protocol === undefined || protocol.traits?.session || protocol.traits?.serverFirst) return undefined;
    return {
      protocol,
      wanted: () => placements.of(target).placement === 'in-process' && target.protocol === protocol,
      take: (stream) => edges.serve(stream, protocol, dispatcher(target)),
    };
  }
}

/** A stream whose destination has no placement yet. */
interface Waiting {
  readonly target: Target;
  readonly go: () => void;
}

function emitConnect(stream: Duplex): void {
  if (!stream.destroyed) stream.emit('connect');
}
