import type { CallHandle, CallSink, Failure, Reply } from '../../call/index.js';
import type { Bytes, Message } from '../../message/index.js';

/** Where an exchange's outcome goes. */
export interface ExchangeOwner {
  answered(exchange: Exchange, reply: Reply): void;
  failed(exchange: Exchange, failure: Failure): void;
}

/** One request of a downstream until it is answered: the call's sink, and a node in the list of those under way. */
export class Exchange implements CallSink {
  handle: CallHandle | undefined = undefined;
  settled = false;
  /** Encoded, and waiting for those before it. `'close'`: the connection ends here. */
  answer: Bytes | 'close' | undefined = undefined;
  previous: Exchange | undefined = undefined;
  next: Exchange | undefined = undefined;

  constructor(
    private readonly owner: ExchangeOwner,
    readonly request: Message,
  ) {}

  /** The same however often it is asked: what a message holds is copied at times, and never changed. */
  get requestBytes(): number {
    return this.request.size;
  }

  reply(reply: Reply): void {
    if (this.settled) return;
    this.settled = true;
    this.owner.answered(this, reply);
  }

  fail(failure: Failure): void {
    if (this.settled) return;
    this.settled = true;
    this.owner.failed(this, failure);
  }

  /** The caller went away. Of a one-way request it never waited. */
  leave(): void {
    if (this.request.kind !== 'oneway') this.cancel();
  }

  cancel(): void {
    if (this.settled) return;
    this.settled = true;
    this.handle?.cancel();
  }
}

/** Those under way, oldest first. Taking one out costs the same wherever it is. */
export class ExchangeList {
  first: Exchange | undefined = undefined;
  #last: Exchange | undefined = undefined;
  length = 0;

  push(exchange: Exchange): void {
    exchange.previous = this.#last;
    if (this.#last === undefined) this.first = exchange;
    else this.#last.next = exchange;
    this.#last = exchange;
    this.length++;
  }

  remove(exchange: Exchange): void {
    const { previous, next } = exchange;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    exchange.previous = undefined;
    exchange.next = undefined;
    this.length--;
  }

  clear(each: (exchange: Exchange) => void): void {
    const { first } = this;
    this.first = undefined;
    this.#last = undefined;
    this.length = 0;
    for (let exchange = first; exchange !== undefined; exchange = exchange.next) each(exchange);
  }
}
