import { AsyncResource, executionAsyncId } from 'node:async_hooks';
import { Observable, type Subscriber, type TeardownLogic } from 'rxjs';
import { type CallHandle, type CallSink, type Destination, Failure, type Reply } from '../call/index.js';
import type { Message } from '../message/index.js';

/** What a caller may say of one call. */
export interface CallOptions {
  /** How long the caller waits, in ms, all retries included. @defaultValue what the wire and the rules say */
  readonly timeoutMs?: number;
  /** Aborting cancels the call; the Observable then errors with Failure `CANCELLED`, the reason as its cause. */
  readonly signal?: AbortSignal;
}

/** Makes a call whose outcome goes to `sink`; interceptors run in its async scope. */
export type BeginCall = (
  destination: Destination,
  message: Message,
  sink: CallSubscription,
  timeoutMs: number | undefined,
) => CallHandle;

/** What `mesh.call` returns: cold, each subscription is a call of its own. */
export class CallObservable extends Observable<Reply> {
  constructor(
    private readonly begin: BeginCall,
    private readonly destination: Destination,
    private readonly message: Message,
    private readonly options: CallOptions,
  ) {
    super();
  }

  /** Where an Observable's subclass does its work; overriding it, as Subject does, saves a closure a call. */
  protected _subscribe(subscriber: Subscriber<Reply>): TeardownLogic {
    const { signal, timeoutMs } = this.options;
    const subscription = new CallSubscription(subscriber, signal);
    if (signal?.aborted) subscription.aborted();
    else subscription.begun(this.begin(this.destination, this.message, subscription, timeoutMs));
    return subscription;
  }
}

/**
 * A call's sink, teardown and async context in one object: whatever pooled socket the reply comes from, the caller's
 * AsyncLocalStorage is what it was when it subscribed.
 */
export class CallSubscription extends AsyncResource implements CallSink {
  private handle: CallHandle | undefined;
  private ended = false;
  private readonly onAbort: (() => void) | undefined;

  constructor(
    private readonly subscriber: Subscriber<Reply>,
    private readonly signal: AbortSignal | undefined,
  ) {
    // The id that it would look up by itself, by a longer way.
    super('MeltemiCall', executionAsyncId());
    if (signal === undefined) return;
    this.onAbort = () => this.aborted();
    signal.addEventListener('abort', this.onAbort, { once: true });
  }

  begun(handle: CallHandle): void {
    this.handle = handle;
    // Ended from within, before there was anything to cancel.
    if (this.ended) handle.cancel();
  }

  reply(reply: Reply): void {
    if (this.end()) this.runInAsyncScope(succeed, undefined, this.subscriber, reply);
  }

  fail(failure: Failure): void {
    if (this.end()) this.runInAsyncScope(error, undefined, this.subscriber, failure);
  }

  /** The subscriber went away. */
  unsubscribe(): void {
    if (this.end()) this.handle?.cancel();
  }

  aborted(): void {
    if (!this.end()) return;
    this.handle?.cancel();
    const cause = this.signal!.reason;
    this.runInAsyncScope(error, undefined, this.subscriber, new Failure('CANCELLED', { cause, reason: 'aborted' }));
  }

  private end(): boolean {
    if (this.ended) return false;
    this.ended = true;
    if (this.onAbort !== undefined) this.signal!.removeEventListener('abort', this.onAbort);
    return true;
  }
}

function succeed(subscriber: Subscriber<Reply>, reply: Reply): void {
  if (reply.message !== undefined) subscriber.next(reply);
  subscriber.complete();
}

function error(subscriber: Subscriber<Reply>, failure: Failure): void {
  subscriber.error(failure);
}
