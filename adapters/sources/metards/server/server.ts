/** The sockets of a MetaRDS server: gRPC over HTTP/2, in plain text or with mutual TLS. */

import type { JsonObject } from '@bufbuild/protobuf';
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { type Observable, Subject, Subscription } from 'rxjs';
import type { RuleSource, ServiceRule } from '../../../../src/rules/index.js';
import { type Runtime, systemRuntime } from '../../../../src/runtime/index.js';
import { Discovery } from './discovery.js';
import type { MetaRdsEvent } from './events.js';
import { follow } from './follow.js';
import { type MetaRdsQuirks, NO_QUIRKS } from './quirks.js';
import { toRouteConfigurations } from './route-configurations.js';
import type { RouteRequest } from './subscription.js';
import { encodeResponse, ROUTE_DISCOVERY, resourceOf } from './wire.js';

/** So long streams have to end in order when the server closes. */
const FAREWELL_MS = 1_000;

/** PEM: the server's own certificate and key, and the authorities whose clients are let in. TLS 1.2 or newer. */
export interface MetaRdsServerTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly ca: string | Buffer;
}

/** Where it listens, and which of the real server's quirks it has. */
export interface MetaRdsServerOptions extends Partial<MetaRdsQuirks> {
  /** A name or address. @defaultValue `127.0.0.1` */
  readonly host?: string;
  /** 0: any that is free. @defaultValue 15010, Aeraki's */
  readonly port?: number;
  /** Without it, plain text, as Aeraki ≤ 1.4.1. */
  readonly tls?: MetaRdsServerTls;
  /** Listen in plain text to others than this machine. @defaultValue false */
  readonly exposed?: boolean;
  /** @defaultValue the system's clock */
  readonly runtime?: Runtime;
}

/** A MetaRDS server that listens; {@link serveMetaRds} makes one. */
export class MetaRdsServer {
  readonly #server: Server;
  readonly #runtime: Runtime;
  readonly #events = new Subject<MetaRdsEvent>();
  readonly #discovery: Discovery;
  readonly #streams = new Set<RoutesCall>();
  readonly #followed = new Subscription();
  readonly #random: (() => number) | undefined;
  #port = 0;

  /** @internal */
  constructor(options: MetaRdsServerOptions) {
    const { runtime = systemRuntime() } = options;
    const quirks: MetaRdsQuirks = { ...NO_QUIRKS, ...options };
    this.#runtime = runtime;
    this.#random = quirks.shuffle ? () => runtime.random() : undefined;
    this.#discovery = new Discovery(runtime, quirks, (event) => this.#events.next(event));
    this.#server = new Server();
    this.#server.addService(ROUTE_DISCOVERY, {
      StreamRoutes: (call: RoutesCall) => this.#stream(call),
      FetchRoutes: (call: FetchCall, done: sendUnaryData<Buffer>) => this.#fetch(call, done),
    });
  }

  /** Where it listens. */
  get port(): number {
    return this.#port;
  }

  /** What happens from now on. Completes when the server has closed. */
  get events(): Observable<MetaRdsEvent> {
    return this.#events;
  }

  /**
   * Serves the routes of these services, and no others, as Aeraki would: of metaprotocol ports alone.
   * @throws Error - a route matches in a way that MetaRouter has no word for
   */
  publish(services: readonly ServiceRule[]): void {
    this.publishConfigurations(toRouteConfigurations(services));
  }

  /**
   * Serves these RouteConfigurations, in proto3's JSON mapping, and no others.
   * @throws Error - one of them is none; then nothing has changed
   */
  publishConfigurations(configurations: readonly JsonObject[]): void {
    this.#discovery.publish(configurations.map(resourceOf));
  }

  /**
   * Publishes the services of a source, such as `fileSource`, now and whenever they change. What is wrong with them later
   * is told in `events`, and what was published before stays. Resolves when the first are published.
   * @throws Error - the source's own, if it has nothing to begin with
   */
  follow(source: RuleSource): Promise<void> {
    const publish = (services: readonly ServiceRule[]) => this.publish(services);
    const problem = (message: string) => this.#events.next({ type: 'problem', message });
    return follow(source, { publish, problem }, this.#followed);
  }

  /** Ends all streams, in order if that takes no longer than a second, and stops listening. */
  close(): Promise<void> {
    this.#followed.unsubscribe();
    this.#discovery.close();
    for (const call of this.#streams) call.end();
    return new Promise((resolve) => {
      const timer = this.#runtime.timers.arm(FAREWELL_MS, { expired: () => this.#server.forceShutdown() });
      timer.ref();
      this.#server.tryShutdown(() => {
        timer.cancel();
        this.#events.complete();
        resolve();
      });
    });
  }

  /** @internal */
  listen(address: string, credentials: ServerCredentials): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, credentials, (error, port) => {
        this.#port = port;
        if (error === null) resolve();
        else reject(new Error(`${address}: ${error.message}`, { cause: error }));
      });
    });
  }

  #stream(call: RoutesCall): void {
    const stream = this.#discovery.open((response) => {
      // Who does not read what it is sent is not read either: a client that refuses everything must not fill our memory.
      if (!call.write(encodeResponse(response, this.#random))) call.pause();
    });
    this.#streams.add(call);
    const over = () => {
      if (this.#streams.delete(call)) stream.close();
    };
    call.on('data', (request: RouteRequest) => stream.request(request));
    call.on('drain', () => call.resume());
    call.on('end', () => {
      over();
      call.end();
    });
    call.on('cancelled', over);
    call.on('error', over);
  }

  #fetch({ request }: FetchCall, done: sendUnaryData<Buffer>): void {
    const { node = '', version, names } = request;
    const snapshot = this.#discovery.fetch(node, version);
    if (snapshot === 'unknown') {
      done({ code: status.UNKNOWN, details: `missing snapshot for ${JSON.stringify(node)}` });
    } else if (snapshot === 'unchanged') {
      done({ code: status.UNKNOWN, details: 'skip fetch: version up to date' });
    } else {
      const resources = snapshot.pick(names);
      done(null, encodeResponse({ version: snapshot.version, nonce: '', resources }, this.#random));
    }
  }
}

type RoutesCall = ServerDuplexStream<RouteRequest, Buffer>;
type FetchCall = ServerUnaryCall<RouteRequest, Buffer>;

/**
 * Starts a server that speaks MetaRDS, for tests and laptops: `StreamRoutes` and `FetchRoutes` of
 * `envoy.service.route.v3.RouteDiscoveryService`. Until something is published it is silent.
 * @throws Error - it cannot listen there, or would listen to other machines in plain text and is not `exposed`
 */
export async function serveMetaRds(options: MetaRdsServerOptions = {}): Promise<MetaRdsServer> {
  const { host = '127.0.0.1', port = 15010, tls, exposed = false } = options;
  if (tls === undefined && !exposed && !isLoopback(host)) {
    throw new Error(`${host} can be reached from other machines: serve it with TLS, or say that it shall be exposed`);
  }
  const server = new MetaRdsServer(options);
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  await server.listen(address, credentialsOf(tls));
  return server;
}

function credentialsOf(tls: MetaRdsServerTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const { ca, key, cert } = tls;
  const pem = [{ private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }];
  return ServerCredentials.createSsl(Buffer.from(ca), pem, true);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
}
