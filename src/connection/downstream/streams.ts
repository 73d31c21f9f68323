import { Failure } from '../../call/index.js';
import type { Message, Protocol, WireId } from '../../message/index.js';
import type { Exchange } from './exchange.js';
import type { DownstreamLimits } from './serve.js';
import { StreamExchange, type StreamOwner } from './stream-exchange.js';

/** The downstream that the streams are of. */
export interface StreamHost extends StreamOwner {
  /** Hands the request over to the mesh, or answers it with a refusal. */
  dispatch(exchange: Exchange, refusal?: Failure): void;
}

/** The open streams of one downstream, by the ids that their opener gave them. */
export class DownstreamStreams {
  size = 0;
  /** Of the openings, which are kept as long as their streams are open. */
  #bytes = 0;
  /** By the low half of the id; those that share it are linked, newest first. */
  #streams: Map<number, StreamExchange> | undefined = undefined;

  constructor(
    private readonly host: StreamHost,
    private readonly protocol: Protocol,
    private readonly limits: Required<Pick<DownstreamLimits, 'maxInFlight' | 'maxRequestBytes'>>,
  ) {}

  /** Over the limit a stream is refused: if no more were read instead, the open ones would get nothing either. */
  open(opening: Message): void {
    // An id that is used again: who opened the stream before has forgotten it.
    this.#find(opening)?.abandon();
    const stream = new StreamExchange(this.host, opening);
    const refusal = this.#refusal(opening.size);
    this.#add(stream);
    this.host.dispatch(stream, refusal);
  }

  /** A message of a stream; those of streams that are over reach nobody. */
  receive(message: Message): void {
    this.#find(message)?.push(message);
  }

  /** The opener of them all sends no more: those that wait for more of it are over. */
  ended(): void {
    for (const stream of [...this.#all()]) if (!stream.ended) stream.abandon();
  }

  /** Whatever is no stream is not here. */
  remove({ request }: Exchange): void {
    const low = request.idLow | 0;
    let newer: StreamExchange | undefined;
    for (let stream = this.#streams?.get(low); stream !== undefined; newer = stream, stream = stream.sibling) {
      if (stream.request !== request) continue;
      if (newer !== undefined) newer.sibling = stream.sibling;
      else if (stream.sibling !== undefined) this.#streams!.set(low, stream.sibling);
      else this.#streams!.delete(low);
      this.size--;
      this.#bytes -= request.size;
      return;
    }
  }

  #add(stream: StreamExchange): void {
    this.#streams ??= new Map();
    const low = stream.request.idLow | 0;
    stream.sibling = this.#streams.get(low);
    this.#streams.set(low, stream);
    this.size++;
    this.#bytes += stream.request.size;
  }

  #find(id: WireId): StreamExchange | undefined {
    let stream = this.#streams?.get(id.idLow | 0);
    while (stream !== undefined && (stream.request.idHigh | 0) !== (id.idHigh | 0)) stream = stream.sibling;
    return stream;
  }

  *#all(): Generator<StreamExchange> {
    for (const newest of this.#streams?.values() ?? []) {
      for (let stream: StreamExchange | undefined = newest; stream !== undefined; stream = stream.sibling) yield stream;
    }
  }

  #refusal(bytes: number): Failure | undefined {
    if (this.protocol.sharing !== 'multiplexed') {
      return new Failure('BAD_REQUEST', { reason: 'only multiplexed protocols have streams' });
    }
    const { maxInFlight, maxRequestBytes } = this.limits;
    if (this.size < maxInFlight && this.#bytes + bytes <= maxRequestBytes) return undefined;
    const limits = `maxInFlight ${maxInFlight}, maxRequestBytes ${maxRequestBytes}`;
    const reason = `${this.size} streams of this connection are open already, with ${this.#bytes} bytes (${limits})`;
    return new Failure('OVERFLOW', { reason });
  }
}
