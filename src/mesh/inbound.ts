import type { Duplex } from 'node:stream';
import type { Observable } from 'rxjs';
import { type CallHandle, type CallSink, type Dispatcher, type DownstreamPeer, Failure } from '../call/index.js';
import { type Drainable, type Handler, type Listener, LocalHandler, type Peers } from '../connection/index.js';
import type { Message, Protocol } from '../message/index.js';
import { RoutedCall, type ServicePlan } from '../pipeline/index.js';
import type { KeyedStateStore } from '../policy/index.js';
import type { Adoption, AdoptionChange, RuleStore, ServiceRule } from '../rules/index.js';
import { finish } from '../runtime/index.js';
import type { Logger } from '../telemetry/index.js';
import type { Edges } from './edges.js';
import type { MeshNode } from './options.js';
import { ownService } from './own-service.js';
import { type Single, type SinglePlanParts, singlePlan, undescribedService } from './single-plan.js';

/** How to stand in front of a service of this process. */
export type ServeOptions = {
  /** Where to listen; `port` 0: any that is free. @defaultValue host 127.0.0.1 */
  readonly port: number;
  readonly host?: string;
  /**
   * `<host>:<port>` of the service whose rules hold.
   * @defaultValue the one whose workload selector has the mesh's node and this port (the app's, where it is forwarded
   * to), else none: calls are counted, nothing limits them
   */
  readonly service?: string;
  /**
   * Name of what is spoken. Of several, each client's first bytes tell which; the earlier is preferred.
   * @defaultValue what the service's port name says, else the mesh's only protocol
   */
  readonly protocol?: string | readonly string[];
} & (
  | {
      /** Answers requests in this process. */
      readonly handler: Handler;
    }
  | {
      /** The app's own port. @defaultValue host 127.0.0.1 */
      readonly forward: { readonly host?: string; readonly port: number };
    }
);

export interface InboundParts extends SinglePlanParts {
  readonly store: RuleStore;
  readonly adoption: Adoption;
  readonly peers: Peers;
  readonly protocols: ReadonlyMap<string, Protocol>;
  /** Who this process is. */
  readonly node: MeshNode;
  readonly state: KeyedStateStore;
  readonly changes: Observable<AdoptionChange>;
  readonly logger: Logger;
  readonly edges: Edges;
}

/** Listens, and runs what comes through the serving side's pipeline. */
export async function serveInbound(options: ServeOptions, parts: InboundParts): Promise<Listener> {
  if (!('handler' in options) && !('forward' in options)) {
    throw new TypeError('serve needs `forward: { port }` of the app, or a `handler`');
  }
  const served = new Map<Protocol, Served>();
  const close = () => {
    for (const each of served.values()) each.close();
  };
  try {
    for (const name of spokenOf(options)) {
      const one = new Served(options, name, parts);
      served.set(one.protocol, one);
    }
    const listener = await parts.edges.listen(options, (stream) => attach(stream, served, parts.edges));
    void listener.closed.then(close);
    return listener;
  } catch (error) {
    close();
    throw error;
  }
}

function spokenOf({ protocol }: ServeOptions): Iterable<string | undefined> {
  if (typeof protocol !== 'object') return [protocol];
  if (protocol.length === 0) throw new TypeError('serve: protocol is an empty list; name those that may be spoken');
  return new Set(protocol);
}

function attach(stream: Duplex, served: ReadonlyMap<Protocol, Served>, edges: Edges): Drainable {
  if (served.size > 1) return edges.detect(stream, served);
  const [only] = served.values();
  return edges.serve(stream, only!.protocol, only!);
}

/** Dispatches to the plan of the moment, which is compiled anew when the service's rules change. */
class Served implements Dispatcher {
  readonly protocol: Protocol;
  private readonly destination: { readonly host: string; readonly port: number };
  private readonly single: Single;
  private readonly named: boolean;
  private readonly appPort: number;
  private rule: ServiceRule | undefined;
  private plan: ServicePlan;
  private readonly subscription: { unsubscribe(): void };

  constructor(
    options: ServeOptions,
    /** Undefined: what the rules say. */
    spoken: string | undefined,
    private readonly parts: InboundParts,
  ) {
    const { service, host = '127.0.0.1', port } = options;
    this.destination = service === undefined ? { host, port } : parseService(service);
    this.named = service !== undefined;
    this.appPort = 'forward' in options ? options.forward.port : port;
    this.rule = this.described();
    this.tellOfNone();
    this.protocol = protocolOf(options, spoken, this.rule, parts.protocols);
    this.single = singleOf(options, this.destination.port, this.protocol, parts.peers);
    this.plan = this.compile();
    this.subscription = parts.changes.subscribe(({ services, endpoints }) => {
      if (services.size + endpoints.size > 0) this.changed();
    });
  }

  dispatch(request: Message, sink: CallSink, peer?: DownstreamPeer): CallHandle {
    const call = new RoutedCall(request, this.protocol, this.destination, sink, peer, this.plan);
    call.start();
    return call;
  }

  close(): void {
    this.subscription.unsubscribe();
    this.plan.retire();
  }

  private changed(): void {
    const rule = this.described();
    if (rule === this.rule) return;
    const before = this.plan;
    this.rule = rule;
    this.tellOfNone();
    this.plan = this.compile();
    finish(this.plan.takeOver(before));
    before.retire();
  }

  private described(): ServiceRule | undefined {
    const { services } = this.parts.adoption;
    if (!this.named) return ownService(services, this.parts.store, this.parts.node, this.appPort);
    const { host, port } = this.destination;
    return services.get(`${host}_${port}`);
  }

  /** A name that leads nowhere is served all the same, as a sidecar would; whoever misspelt it must hear of it. */
  private tellOfNone(): void {
    if (!this.named || this.rule !== undefined) return;
    const { host, port } = this.destination;
    const known = [...this.parts.adoption.services.values()].slice(0, 5).map((it) => `${it.host}:${it.port}`);
    this.parts.logger.warn(
      `serve: no rule describes ${host}:${port}, so nothing limits its calls; described are ${known.join(', ') || 'none'}`,
    );
  }

  private compile(): ServicePlan {
    const { host, port } = this.destination;
    const rule = this.rule ?? undescribedService(host, port, this.protocol);
    return singlePlan(rule, this.protocol, this.single, this.parts.state.hold(), this.parts);
  }
}

function singleOf(options: ServeOptions, port: number, protocol: Protocol, peers: Peers): Single {
  const base = { direction: 'inbound', cluster: `inbound|${port}||` } as const; // upstream leaves the host out
  if ('handler' in options) {
    const handler = new LocalHandler(options.handler);
    return { ...base, address: { host: 'handler', port: 0 }, peer: () => handler };
  }
  const address = { host: options.forward.host ?? '127.0.0.1', port: options.forward.port };
  return { ...base, address, peer: () => peers.acquire({ address, protocol }) };
}

/** @throws TypeError - it is not `<host>:<port>` */
export function parseService(service: string): { host: string; port: number } {
  if (typeof service !== 'string') throw new TypeError(`service is ${service}; it must be text: <host>:<port>`);
  const colon = service.lastIndexOf(':');
  const port = Number(service.slice(colon + 1));
  if (colon <= 0 || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new TypeError(`service '${service}' is not <host>:<port>`);
  }
  return { host: service.slice(0, colon), port };
}

function protocolOf(
  options: ServeOptions,
  spoken: string | undefined,
  described: ServiceRule | undefined,
  protocols: ReadonlyMap<string, Protocol>,
): Protocol {
  const only = protocols.size === 1 ? [...protocols.keys()][0] : undefined;
  const name = spoken ?? described?.protocol ?? only;
  const protocol = name === undefined ? undefined : protocols.get(name);
  if (protocol !== undefined) return protocol;
  const known = [...protocols.keys()].join(', ') || 'none';
  const why = name === undefined ? 'no rule describes it and no protocol is named' : `it speaks '${name}'`;
  throw new Failure('NO_SERVICE', {
    role: 'serve',
    reason: `cannot serve ${options.service ?? `port ${options.port}`}: ${why}; pass protocol, one of: ${known}`,
  });
}
