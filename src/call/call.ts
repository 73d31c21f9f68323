import type { AsyncResource } from 'node:async_hooks';
import type { Message, Mutation, Protocol } from '../message/index.js';
import { Mutation as Change } from '../message/index.js';
import type { CallSink } from './outcome.js';
import type { Pass } from './pass.js';
import type { StreamEdge } from './stream.js';

/** Who calls us (inbound). A rule on identity never matches `none`. */
export interface DownstreamPeer {
  readonly address: string;
  readonly identity: string | undefined;
  readonly verifiedBy: 'mtls' | 'proxy' | 'none';
}

/** Where a call was addressed. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

export const NO_DEADLINE = Number.POSITIVE_INFINITY;

/**
 * One call through the mesh: its request, what interceptors changed of it, its deadline. What happens on the way is in
 * its Passes and their Attempts, which together are the record that `explain` reads.
 */
export class Call {
  /** Set and deleted attributes: the route, limits and logs see them, and they are sent. */
  mutation: Mutation | undefined = undefined;
  /** When it must have ended, in `runtime.now()`. */
  deadlineAt = NO_DEADLINE;
  /**
   * Taken once and kept by all attempts, so that a retry stays on the drawn cluster. In [0, 1); -1 as long as there was
   * nothing to draw, for no route that was met has several destinations.
   */
  draw = -1;
  /** Its mirrors were decided: once a call, however many passes it makes. */
  mirrored = false;
  startedAt = 0;
  /**
   * In `runtime.now()`: when it started, last went on after a wait, or ended. Older than the clock by no more than the stages
   * that ran since, so these take it for the clock: a reading costs 50 ns, and each stage had its own.
   */
  now = 0;
  /** The newest through a route plan; undefined as long as no route was found. */
  pass: Pass | undefined = undefined;
  /** Interceptors and replies run in here: the caller's async context, not that of a pooled socket. */
  scope: AsyncResource | undefined = undefined;

  constructor(
    readonly request: Message,
    readonly protocol: Protocol,
    readonly destination: Destination,
    /** Where the outcome goes. */
    protected sink: CallSink,
    /** Inbound calls only. */
    readonly peer: DownstreamPeer | undefined = undefined,
  ) {}

  /** Takes over, of the call that an interceptor puts this one in the place of, what it does not say itself. */
  standFor(call: Call): void {
    this.deadlineAt = Math.min(this.deadlineAt, call.deadlineAt);
    this.startedAt = call.startedAt;
    this.scope = call.scope;
    (this as { peer: DownstreamPeer | undefined }).peer ??= call.peer;
    this.mirrored ||= call.mirrored;
    if (this.request.kind === 'stream-open') this.sink = call.sink;
    if (this.draw < 0) this.draw = call.draw;
  }

  get oneway(): boolean {
    return this.request.kind === 'oneway';
  }

  /** The stream that the call opens; undefined: it opens none. */
  get stream(): StreamEdge | undefined {
    return this.request.kind === 'stream-open' ? this.sink.stream : undefined;
  }

  /** An attribute as the route sees it: the request's, with what interceptors set. */
  get(key: string): string | undefined {
    return this.getLower(key.toLowerCase());
  }

  getLower(key: string): string | undefined {
    if (this.mutation !== undefined) {
      const changed = this.mutation.lookup(key);
      if (changed !== undefined) return changed ?? undefined;
    }
    return this.request.getLower(key);
  }

  /** Sets an attribute for everything inside: matched, hashed, logged and sent. */
  set(key: string, value: string): void {
    this.mutation ??= new Change();
    this.mutation.set(key, value);
  }

  delete(key: string): void {
    this.mutation ??= new Change();
    this.mutation.delete(key);
  }
}

/** How long after its start a call's `now` is, in whole µs: what telemetry counts durations in. */
export function usSinceStart(call: Call): number {
  return Math.round((call.now - call.startedAt) * 1000);
}
