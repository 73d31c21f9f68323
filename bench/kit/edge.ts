import { dubbo } from '../../adapters/protocols/dubbo/index.js';
import type { Reply } from '../../src/call/index.js';
import { Exchange, type ExchangeOwner } from '../../src/connection/downstream/exchange.js';
import type { Failure } from '../../src/index.js';
import { ByteQueue, type Codec } from '../../src/message/index.js';
import type { StubMesh } from './stub-mesh.js';

/** Where the serve loop stands, without its stream: decodes a frame, hands it to the mesh, takes the outcome. */
export class Edge implements ExchangeOwner {
  answers = 0;
  readonly #queue = new ByteQueue();
  readonly #codec: Codec = dubbo.open('downstream');

  constructor(
    private readonly stub: StubMesh,
    private readonly frame: Buffer,
  ) {}

  answered(_exchange: Exchange, _reply: Reply): void {
    this.answers++;
  }

  failed(_exchange: Exchange, failure: Failure): void {
    throw failure;
  }

  /** One request comes in. */
  request(): void {
    this.#queue.push(this.frame);
    const message = this.#codec.decode(this.#queue)!;
    const exchange = new Exchange(this, message);
    exchange.handle = this.stub.dispatcher.dispatch(message, exchange);
  }

  /** Requests, each answered before the next. */
  readonly run = (count: number): void => {
    const { upstream } = this.stub;
    for (let i = 0; i < count; i++) {
      this.request();
      upstream.answerOldest();
    }
  };
}
