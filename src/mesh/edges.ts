import type { Duplex } from 'node:stream';
import { type Dispatcher, Failure } from '../call/index.js';
import {
  ByteBudget,
  type ConnectionOptions,
  Detection,
  type Downstream,
  type Drainable,
  type Listener,
  listen,
  Relay,
  remoteAddress,
  type ServeOptions,
  type Successor,
  serve,
} from '../connection/index.js';
import type { Protocol } from '../message/index.js';
import type { Runtime } from '../runtime/index.js';
import { tellConnection } from './tell.js';

/** What more is known of a client. */
type Client = Pick<ServeOptions, 'peer' | 'companion'>;

/** A stream that the mesh drains when it closes. */
interface Closing extends Drainable {
  readonly closed: Promise<void>;
}

/** A port of this process behind which the mesh stands. */
export interface PortStatus {
  /** `outbound`: for clients of a service. `inbound`: before the service itself. */
  readonly direction: 'outbound' | 'inbound';
  /** What is listened at; undefined: an app's own server has the port. */
  readonly host: string | undefined;
  readonly port: number;
  /** `<host>:<port>` of the service whose rules hold; undefined: no rule describes one. */
  readonly service: string | undefined;
  /** Clients that are connected to it, and served by rules. */
  readonly connections: number;
}

/** The streams and listeners of a mesh: one place that serves them, passes them through, and closes them in order. */
export class Edges {
  private readonly budget: ByteBudget;
  private readonly streams = new Set<Closing>();
  private readonly listeners = new Set<Listener>();
  private readonly ports = new Set<() => PortStatus | undefined>();
  /** No new streams are wanted. */
  closing = false;

  constructor(
    private readonly runtime: Runtime,
    private readonly options: ConnectionOptions,
  ) {
    this.budget = new ByteBudget(options.maxHeldBytes);
  }

  /** Reads requests from a stream, and hands them over. */
  serve(stream: Duplex, protocol: Protocol, dispatcher: Dispatcher, client: Client = {}): Downstream {
    const { runtime, budget, options } = this;
    const parts = { ...options.downstream, ...client, runtime, budget, listener: tellConnection };
    return this.keep(serve(stream, protocol, dispatcher, parts));
  }

  /** Reads requests of whichever protocol the client's first bytes are, and hands them to its dispatcher. */
  detect(stream: Duplex, served: ReadonlyMap<Protocol, Dispatcher>): Drainable {
    const protocol = [...served.keys()].map(({ name }) => name).join(' or ');
    const nobody = (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      tellConnection({ kind: 'protocol-error', side: 'downstream', address: remoteAddress(stream), protocol, reason });
    };
    const found = (spoken: Protocol) => this.serve(stream, spoken, served.get(spoken)!);
    return this.keep(new Detection(stream, [...served.keys()], found, nobody));
  }

  /**
   * Joins a stream with another, byte for byte.
   * @param successor - who may take the stream over between two calls
   */
  pass(stream: Duplex, other: Duplex, successor?: Successor): Drainable {
    return this.keep(new Relay(stream, other, this.runtime, successor));
  }

  /**
   * @param attach - what becomes of each stream
   * @param about - what it stands for, at the moment
   * @throws Error - the port cannot be listened on; Failure `DRAINING` if the mesh was closed meanwhile
   */
  async listen(
    { host = '127.0.0.1', port: wanted }: { readonly host?: string; readonly port: number },
    attach: (stream: Duplex) => Drainable,
    about: () => Pick<PortStatus, 'direction' | 'service'>,
  ): Promise<Listener> {
    const listener = await listen({ port: wanted, host }, attach);
    if (this.closing) {
      await listener.close();
      throw new Failure('DRAINING');
    }
    this.listeners.add(listener);
    const { port } = listener;
    const shown = this.show(() => ({ ...about(), host, port, connections: listener.connections }));
    void listener.closed.then(() => {
      this.listeners.delete(listener);
      shown.hide();
    });
    return listener;
  }

  /** A port is part of {@link status}, whenever there is something to tell of it, until it is hidden. */
  show(port: () => PortStatus | undefined): { hide(): void } {
    this.ports.add(port);
    return { hide: () => this.ports.delete(port) };
  }

  get status(): readonly PortStatus[] {
    return [...this.ports].flatMap((port) => port() ?? []);
  }

  /** Accepts nothing more, lets what is under way end, and cuts what is left after `drainMs`. */
  async close(drainMs: number): Promise<void> {
    this.closing = true;
    const closed = [...this.listeners].map((listener) => listener.close(drainMs));
    const drained = [...this.streams].map((stream) => stream.drain(drainMs));
    await Promise.all([...closed, ...drained]);
  }

  private keep<C extends Closing>(stream: C): C {
    this.streams.add(stream);
    void stream.closed.then(() => this.streams.delete(stream));
    return stream;
  }
}
