import { type Observable, Subscription } from 'rxjs';
import { type Attempt, type Call, type Connection, Failure } from '../call/index.js';
import type { Peer } from '../cluster/index.js';
import { Message } from '../message/index.js';

/** A call as its handler sees it. */
export interface HandledCall {
  readonly call: Call;
  /** An attribute of the request with what rules and interceptors changed of it. @param key - in any letter case */
  get(key: string): string | undefined;
  /** Milliseconds that the caller still waits; Infinity if it does not say. */
  readonly remainingMs: number;
}

/**
 * Answers a request. What it throws, or its promise or Observable fails with, becomes `HANDLER_FAILED`, unless it is a
 * Failure already. Of an Observable the first message counts, and it is unsubscribed when nobody waits any more; of a
 * promise's work nothing is stopped. What it returns for a one-way request is not looked at.
 */
export type Handler = (
  request: Message,
  handled: HandledCall,
) => Message | PromiseLike<Message> | Observable<Message> | undefined;

/**
 * The upstream of an inbound route: a function in this process, seen as a peer that is always connected. An attempt
 * keeps its place at the endpoint until the handler is done, also when nobody waits for it any more.
 */
export class LocalHandler implements Peer, Connection {
  readonly ready = true;
  readonly draining = false;
  readonly #running = new Map<Attempt, Subscription>();

  constructor(private readonly handler: Handler) {}

  checkout(_attempt: Attempt): Connection {
    return this;
  }

  withdraw(_attempt: Attempt): void {}

  release(): void {}

  /** Handlers under way. */
  get running(): number {
    return this.#running.size;
  }

  send(attempt: Attempt): void {
    if (attempt.request.kind === 'stream-open') {
      attempt.target?.release();
      attempt.lost(NO_STREAMS);
      return;
    }
    const running = new Subscription();
    this.#running.set(attempt, running);
    attempt.sent = 'yes';
    let result: ReturnType<Handler>;
    try {
      const { scope } = attempt.pass.call;
      result = scope === undefined ? this.#invoke(attempt) : scope.runInAsyncScope(() => this.#invoke(attempt));
    } catch (error) {
      this.#leave(attempt);
      attempt.lost(asFailure(error));
      return;
    }
    if (attempt.request.kind === 'oneway') attempt.written();
    this.#await(attempt, running, result);
  }

  abandon(attempt: Attempt): void {
    this.#running.get(attempt)?.unsubscribe();
  }

  #invoke(attempt: Attempt): ReturnType<Handler> {
    return this.handler(attempt.request, {
      call: attempt.pass.call,
      get: (key) => {
        const changed = attempt.mutation?.lookup(key.toLowerCase());
        return changed === undefined ? attempt.pass.call.get(key) : (changed ?? undefined);
      },
      remainingMs: attempt.remainingMs,
    });
  }

  #await(attempt: Attempt, running: Subscription, result: ReturnType<Handler>): void {
    if (result === undefined || result instanceof Message) {
      this.#end(attempt, result);
    } else if ('subscribe' in result) {
      running.add(() => this.#leave(attempt));
      running.add(
        result.subscribe({
          next: (message) => this.#end(attempt, message),
          error: (error) => this.#end(attempt, error),
          complete: () => this.#end(attempt, undefined),
        }),
      );
    } else {
      result.then(
        (message) => this.#end(attempt, message),
        (error) => this.#end(attempt, error),
      );
    }
  }

  #end(attempt: Attempt, result: unknown): void {
    const running = this.#running.get(attempt);
    if (running === undefined) return;
    const waited = !running.closed;
    this.#leave(attempt);
    running.unsubscribe();
    if (!waited || attempt.request.kind === 'oneway') return;
    if (result instanceof Message) attempt.replied(result);
    else if (result === undefined) attempt.lost(new Failure('HANDLER_FAILED', { reason: 'no reply', sent: 'yes' }));
    else attempt.lost(asFailure(result));
  }

  /** Its place at the endpoint is free again. */
  #leave(attempt: Attempt): void {
    if (this.#running.delete(attempt)) attempt.target?.release();
  }
}

const NO_STREAMS = new Failure('BAD_REQUEST', { reason: 'a handler answers calls; streams need `forward`' });

function asFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new Failure('HANDLER_FAILED', { reason, sent: 'yes', cause: thrown });
}
