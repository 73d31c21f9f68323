import type { Duplex } from 'node:stream';
import { Failure } from '../call/index.js';
import { type Drainable, type Handler, type Listener, LocalHandler, type Peers } from '../connection/index.js';
import type { Protocol } from '../message/index.js';
import type { ServiceRule } from '../rules/index.js';
import type { Logger } from '../telemetry/index.js';
import type { Edges } from './edges.js';
import { inboundCluster, Served, type ServedParts, ServedService } from './served.js';
import type { Single } from './single-plan.js';

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

export interface InboundParts extends ServedParts {
  readonly peers: Peers;
  readonly protocols: ReadonlyMap<string, Protocol>;
  readonly logger: Logger;
  readonly edges: Edges;
}

/** Listens, and runs what comes through the serving side's pipeline. */
export async function serveInbound(options: ServeOptions, parts: InboundParts): Promise<Listener> {
  if (!('handler' in options) && !('forward' in options)) {
    throw new TypeError('serve needs `forward: { port }` of the app, or a `handler`');
  }
  const served = new Map<Protocol, Served>();
  const { service: name, host = '127.0.0.1', port } = options;
  const appPort = 'forward' in options ? options.forward.port : port;
  const wish = { service: name, port: appPort, destination: { host, port } };
  const service = new ServedService(wish, parts, () => {
    tellOfNone(options, service, parts);
    for (const each of served.values()) each.changed();
  });
  tellOfNone(options, service, parts);
  const close = () => {
    service.close();
    for (const each of served.values()) each.close();
  };
  try {
    for (const spoken of spokenOf(options)) {
      const protocol = protocolOf(options, spoken, service.rule, parts.protocols);
      const single = singleOf(options, service.destination.port, protocol, parts.peers);
      served.set(protocol, new Served(protocol, service, single, parts));
    }
    const listener = await parts.edges.listen(
      options,
      (stream) => attach(stream, served, parts.edges),
      () => ({ direction: 'inbound', service: service.name }),
    );
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

/** A name that leads nowhere is served all the same, as a sidecar would; whoever misspelt it must hear of it. */
function tellOfNone({ service: name }: ServeOptions, { rule, destination }: ServedService, parts: InboundParts): void {
  if (name === undefined || rule !== undefined) return;
  const { host, port } = destination;
  const known = [...parts.adoption.services.values()].slice(0, 5).map((it) => `${it.host}:${it.port}`);
  parts.logger.warn(
    `serve: no rule describes ${host}:${port}, so nothing limits its calls; described are ${known.join(', ') || 'none'}`,
  );
}

function singleOf(options: ServeOptions, port: number, protocol: Protocol, peers: Peers): Single {
  const base = { direction: 'inbound', cluster: inboundCluster(port) } as const;
  if ('handler' in options) {
    const handler = new LocalHandler(options.handler);
    return { ...base, address: { host: 'handler', port: 0 }, peer: () => handler };
  }
  const address = { host: options.forward.host ?? '127.0.0.1', port: options.forward.port };
  return { ...base, address, peer: () => peers.acquire({ address, protocol }) };
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
