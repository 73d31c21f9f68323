import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { ChannelCredentials, Client, type ClientDuplexStream, Metadata, type ServiceError } from '@grpc/grpc-js';
import { RouteConfigurationSchema } from '../../../../../adapters/sources/metards/generated/envoy/config/route/v3/route_pb.js';
import {
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '../../../../../adapters/sources/metards/generated/envoy/service/discovery/v3/discovery_pb.js';
import { pem } from '../../../../support/scripted-metards.js';

/** The server's side of mutual TLS. */
export const serverTls = () => ({ cert: pem('server.pem'), key: pem('server.key'), ca: pem('root.pem') });

/** @param name - of the client's certificate; undefined: it shows none */
export function clientTls(name: string | undefined): ChannelCredentials {
  if (name === undefined) return ChannelCredentials.createSsl(Buffer.from(pem('root.pem')));
  const [ca, key, cert] = ['root.pem', `${name}.key`, `${name}.pem`].map((file) => Buffer.from(pem(file)));
  return ChannelCredentials.createSsl(ca!, key!, cert!);
}

export type RequestInit = MessageInitShape<typeof DiscoveryRequestSchema>;
const SERVICE = '/envoy.service.route.v3.RouteDiscoveryService';
const serialize = (request: RequestInit) =>
  Buffer.from(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, request)));
const deserialize = (bytes: Buffer) => fromBinary(DiscoveryResponseSchema, bytes);

/** A connection of its own to a MetaRDS server, that does what it is told and nothing else. */
export class RouteClient {
  readonly #client: Client;

  constructor(port: number, credentials = ChannelCredentials.createInsecure(), serverName = 'aeraki') {
    this.#client = new Client(`127.0.0.1:${port}`, credentials, {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.ssl_target_name_override': serverName,
    });
  }

  open(path = `${SERVICE}/StreamRoutes`): TestStream {
    return new TestStream(this.#client.makeBidiStreamRequest(path, serialize, deserialize), this);
  }

  /** A stream whose requests are any bytes. */
  openRaw(): { readonly call: ClientDuplexStream<Buffer, Buffer>; readonly ended: Promise<ServiceError> } {
    const bytes = (it: Buffer) => it;
    const call = this.#client.makeBidiStreamRequest(`${SERVICE}/StreamRoutes`, bytes, bytes);
    call.on('error', () => {});
    call.resume();
    return { call, ended: new Promise((resolve) => call.on('status', resolve)) };
  }

  /** Resolves with the response or the error. */
  fetch(request: RequestInit): Promise<DiscoveryResponse | ServiceError> {
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        `${SERVICE}/FetchRoutes`,
        serialize,
        deserialize,
        request,
        new Metadata(),
        (error, response) => resolve(error ?? response!),
      );
    });
  }

  /** Resolves when the server has acted on all that was written before, and its answers are here. */
  async settled(): Promise<void> {
    // Several, since either side may take some turns to handle what it has read.
    for (let i = 0; i < 2; i++) await this.fetch({ node: { id: 'nobody ever subscribed so' } });
  }

  close(): void {
    this.#client.close();
  }
}

export class TestStream {
  readonly #received: DiscoveryResponse[] = [];
  readonly #waiting: ((response: DiscoveryResponse) => void)[] = [];
  /** With the status of its end. */
  readonly ended: Promise<ServiceError>;

  constructor(
    readonly call: ClientDuplexStream<RequestInit, DiscoveryResponse>,
    readonly client: RouteClient,
  ) {
    call.on('data', (response: DiscoveryResponse) => {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#received.push(response);
      else waiting(response);
    });
    call.on('error', () => {});
    this.ended = new Promise((resolve) => call.on('status', resolve));
  }

  send(request: RequestInit): void {
    this.call.write(request);
  }

  next(): Promise<DiscoveryResponse> {
    const response = this.#received.shift();
    return response === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(response);
  }

  /** What came and was not asked for. */
  get unread(): readonly DiscoveryResponse[] {
    return this.#received;
  }

  close(): void {
    this.call.cancel();
    this.client.close();
  }
}

/** Names of the resources of a response, with those of their routes; sorted. */
export function routesIn(response: DiscoveryResponse): { name: string; routes: string[] }[] {
  return response.resources
    .map(({ value }) => fromBinary(RouteConfigurationSchema, value))
    .map(({ name, virtualHosts }) => ({
      name,
      routes: virtualHosts.flatMap((host) => host.routes.map((it) => it.name)),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
