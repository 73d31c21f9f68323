/**
 * One connection to the server, with one `StreamRoutes` on it. Each has a channel of its own, that shares nothing and is
 * gone when the stream is: when to try again is decided in one place, certificates are fresh each time, and what a proxy
 * in between made of the last connection is of no matter.
 *
 * A stream ends once, whatever ended it: a refused connection, a TLS handshake that fails, a status, a server that does
 * not answer in time, or {@link RouteStream.close}, after which nothing is heard of it.
 */
import { Client, type ClientDuplexStream, connectivityState, type StatusObject, status } from '@grpc/grpc-js';
import type { Runtime, Timer } from '../../../src/runtime/index.js';
import type { Security } from './credentials.js';
import type { ResolvedOptions } from './options.js';
import { encodeRequest, type Request, STREAM_ROUTES } from './wire.js';

/** TCP and TLS together. */
const CONNECT_MS = 10_000;
/** Aeraki builds its first answer to a node for 1 to 10 s. */
const FIRST_ANSWER_MS = 60_000;
const PROBE_ANSWER_MS = 20_000;

export interface StreamListener {
  /** One answer; the next one is not read until {@link RouteStream.send}. */
  answered(bytes: Buffer): void;
  /** Nothing more will come. */
  ended(reason: string): void;
}

export class RouteStream {
  readonly #client: Client;
  readonly #disconnect: () => void;
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #runtime: Runtime;
  readonly #listener: StreamListener;
  #timer: Timer | undefined;
  #answeredYet = false;
  #ended = false;

  constructor(
    options: ResolvedOptions,
    { credentials, channel, disconnect }: Security,
    runtime: Runtime,
    listener: StreamListener,
  ) {
    this.#runtime = runtime;
    this.#listener = listener;
    this.#disconnect = disconnect;
    this.#client = new Client(options.address, credentials, {
      ...channel,
      'grpc.max_receive_message_length': options.maxMessageBytes,
      'grpc.keepalive_time_ms': options.keepAliveMs,
      'grpc.keepalive_timeout_ms': PROBE_ANSWER_MS,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_retries': 0,
      'grpc.enable_http_proxy': 0,
    });
    this.#await(CONNECT_MS, () => `no connection within ${CONNECT_MS} ms`);
    this.#call = this.#client.makeBidiStreamRequest(STREAM_ROUTES, asIs, asIs);
    this.#call.on('error', () => {}); // `status` says the same, and comes for each end
    this.#call.on('status', (end: StatusObject) => this.#end(describeEnd(end, options)));
    this.#call.on('data', (bytes: Buffer) => this.#answered(bytes));
    this.#watchConnection();
  }

  send(request: Request): void {
    if (this.#ended) return;
    this.#call.write(encodeRequest(request));
    this.#call.resume();
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    this.#call.cancel();
    this.#client.close();
    this.#disconnect();
  }

  #answered(bytes: Buffer): void {
    if (this.#ended) return;
    this.#answeredYet = true;
    this.#timer?.cancel();
    this.#call.pause();
    this.#listener.answered(bytes);
  }

  #watchConnection(): void {
    if (this.#ended || this.#answeredYet) return;
    const channel = this.#client.getChannel();
    const state = channel.getConnectivityState(false);
    if (state === connectivityState.READY) {
      this.#await(FIRST_ANSWER_MS, () => `connected, but there was no answer within ${FIRST_ANSWER_MS} ms`);
    } else {
      channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, () => this.#watchConnection());
    }
  }

  #await(ms: number, reason: () => string): void {
    this.#timer?.cancel();
    this.#timer = this.#runtime.timers.arm(ms, { expired: () => this.#end(reason()) });
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.close();
    this.#listener.ended(reason);
  }
}

const asIs = (bytes: Buffer) => bytes;

function describeEnd({ code, details }: StatusObject, { maxMessageBytes }: ResolvedOptions): string {
  if (code === status.OK) return 'the server ended the stream';
  const hint = code === status.RESOURCE_EXHAUSTED ? `; maxMessageBytes is ${maxMessageBytes}` : '';
  return `${status[code] ?? code}: ${details.replace(/\s*Resolution note:\s*$/, '').slice(0, 500)}${hint}`;
}
