/**
 * A MetaRDS server that does what a test says, step by step, over real sockets: it takes streams and requests into queues
 * and answers only when told.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { Server, ServerCredentials, type ServerDuplexStream, type status } from '@grpc/grpc-js';
import {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from '../../adapters/sources/metards/generated/envoy/config/route/v3/route_pb.js';
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '../../adapters/sources/metards/generated/envoy/service/discovery/v3/discovery_pb.js';
import { ROUTE_CONFIGURATION, STREAM_ROUTES } from '../../adapters/sources/metards/wire.js';

/** What comes, in order, and waits until it is asked for. */
export class Queue<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];

  push(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting(item);
  }

  next(): Promise<T> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift()!);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Those that nobody has asked for. */
  get left(): readonly T[] {
    return this.#items;
  }
}

/** PEM of a file made by `certificates/make.sh`. */
export const pem = (name: string): string => readFileSync(new URL(`certificates/${name}`, import.meta.url), 'utf8');

export class ScriptedStream {
  readonly requests = new Queue<DiscoveryRequest>();
  /** Resolves when the client is gone. */
  readonly closed: Promise<unknown>;
  #nonce = 0;

  constructor(readonly call: ServerDuplexStream<Buffer, Buffer>) {
    call.on('data', (bytes: Buffer) => this.requests.push(fromBinary(DiscoveryRequestSchema, bytes)));
    call.on('error', () => {});
    this.closed = once(call, 'cancelled').catch(() => {});
    call.on('end', () => call.end());
  }

  /** One answer. @param nonce - @defaultValue counted */
  answer(
    version: string,
    resources: readonly (RouteConfiguration | Uint8Array)[],
    nonce = String(++this.#nonce),
  ): void {
    const message: MessageInitShape<typeof DiscoveryResponseSchema> = {
      versionInfo: version,
      nonce,
      typeUrl: ROUTE_CONFIGURATION,
      resources: resources.map((each) => ({
        typeUrl: ROUTE_CONFIGURATION,
        value: each instanceof Uint8Array ? each : toBinary(RouteConfigurationSchema, each),
      })),
    };
    this.raw(toBinary(DiscoveryResponseSchema, create(DiscoveryResponseSchema, message)));
  }

  raw(bytes: Uint8Array): void {
    this.call.write(Buffer.from(bytes));
  }

  /** Half-closes, with status OK. */
  end(): void {
    this.call.end();
  }

  fail(code: status, details: string): void {
    this.call.emit('error', { code, details });
  }
}

export class ScriptedMetaRds {
  readonly streams = new Queue<ScriptedStream>();
  readonly #server = new Server({ 'grpc.max_send_message_length': -1 });

  private constructor(private readonly secure: boolean) {
    const bytes = (value: Buffer) => value;
    const path = STREAM_ROUTES;
    this.#server.addService(
      {
        streamRoutes: {
          ...{ path, requestStream: true, responseStream: true },
          ...{
            requestSerialize: bytes,
            requestDeserialize: bytes,
            responseSerialize: bytes,
            responseDeserialize: bytes,
          },
        },
      },
      { streamRoutes: (call: ServerDuplexStream<Buffer, Buffer>) => this.streams.push(new ScriptedStream(call)) },
    );
  }

  port = 0;

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** @param secure - mutual TLS as Aeraki's: a client certificate that chains to the root, whoever's */
  static async start({ secure = false, port = 0 }: { secure?: boolean; port?: number } = {}): Promise<ScriptedMetaRds> {
    const scripted = new ScriptedMetaRds(secure);
    await scripted.#listen(port);
    return scripted;
  }

  #listen(port: number): Promise<void> {
    const pair = () => ({ private_key: Buffer.from(pem('server.key')), cert_chain: Buffer.from(pem('server.pem')) });
    const credentials = this.secure
      ? ServerCredentials.createSsl(Buffer.from(pem('root.pem')), [pair()], true)
      : ServerCredentials.createInsecure();
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => {
        if (error !== null) return reject(error);
        this.port = bound;
        resolve();
      });
    });
  }

  /** Gone at once, with all connections. */
  close(): void {
    this.#server.forceShutdown();
  }
}

/** A table whose routes have these names; each leads to a cluster of its own. */
export function table(name: string, ...routes: string[]): RouteConfiguration {
  return create(RouteConfigurationSchema, {
    name,
    virtualHosts: [
      {
        name: 'dummy',
        domains: ['*'],
        routes: routes.map((route) => ({
          name: route,
          match: { pathSpecifier: { case: 'prefix' as const, value: '/' } },
          action: {
            case: 'route' as const,
            value: { clusterSpecifier: { case: 'cluster' as const, value: `outbound|80|${route}|x` } },
          },
        })),
      },
    ],
  });
}
