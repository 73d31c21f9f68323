/**
 * One stream's side of the protocol: which names it wants, what it has been sent, and whether it waits for more.
 *
 * A request is either an answer to the last response or a change of the subscription; the nonce tells which. Between a
 * response and the request that answers it, requests with another nonce were written before the response was read: they
 * are passed over. Once answered, the last request is *parked* until there is something for it, and no nonce is looked
 * at, as the real server has it. So at most one response of a stream is under way, however slow it is.
 *
 * A request is behind if its version is not the snapshot's, or if it names what the stream has not been sent and the
 * snapshot has. A name counts as sent with the response to a request that named it, whether it existed or not: dropped
 * and named again before the next response, it is not sent again. From names to all names (an empty list) changes the
 * version of nothing, so it shows with the next push.
 *
 * Source: SotW xDS as go-control-plane's server and snapshot cache speak it, in the version that Aeraki has; recorded as
 * `stale-nonce-*`, `add-name*`, `drop-and-readd-name`, `named-to-wildcard`, `no-ack-then-update`, `nack-*`. Unlike there
 * a stream's first request is always answered: a counted version of a server's earlier life must not pass for ours.
 */

import type { Resource, Snapshot } from './snapshot.js';

/** A DiscoveryRequest, as far as it matters here. */
export interface RouteRequest {
  /** Needed in a stream's first request alone; without one the node is `''`. */
  readonly node?: string | undefined;
  /** Empty: route configurations. */
  readonly typeUrl: string;
  /** Empty: all. */
  readonly names: readonly string[];
  /** What the client has; empty: nothing. */
  readonly version: string;
  /** Of the response that this answers. */
  readonly nonce: string;
  /** Why the client refuses that response. */
  readonly refusal?: string | undefined;
}

/** A DiscoveryResponse to a stream. */
export interface RouteResponse {
  readonly version: string;
  readonly nonce: string;
  readonly resources: readonly Resource[];
}

/** What a request was. `stale`: written before the last response was read. */
export type Taken = 'stale' | 'accepted' | 'refused' | 'subscribed';

export class Subscription {
  /** Of the last request that counted. */
  names: readonly string[] = [];
  /** Of the last response. */
  version = '';
  #nonce = 0;
  #parked: { readonly holds: string; readonly missing: readonly string[] } | undefined;
  #sent: ReadonlySet<string> = new Set();
  #confirmed: ReadonlySet<string> = new Set();

  constructor(
    private readonly send: (response: RouteResponse) => void,
    private readonly resendOnNack: boolean,
  ) {}

  take({ names, version, nonce, refusal }: RouteRequest): Taken {
    const first = this.#nonce === 0;
    const answers = !first && nonce === String(this.#nonce);
    if (answers) this.#confirmed = this.#sent;
    else if (!first && this.#parked === undefined) return 'stale';
    const answered = answers && this.#parked === undefined;
    const forget = refusal !== undefined && !this.resendOnNack;
    const missing = names.filter((name) => !this.#confirmed.has(name));
    this.#parked = { holds: forget ? this.version : version, missing };
    this.names = names;
    if (!answered) return 'subscribed';
    return refusal === undefined ? 'accepted' : 'refused';
  }

  /** Answers the parked request if it is behind. @returns whether it did */
  offer(snapshot: Snapshot): boolean {
    if (this.#parked === undefined) return false;
    const { holds, missing } = this.#parked;
    const behind = this.#nonce === 0 || holds !== snapshot.version || missing.some((name) => snapshot.has(name));
    if (!behind) return false;
    this.#parked = undefined;
    this.#nonce++;
    this.#sent = new Set(this.names);
    this.version = snapshot.version;
    this.send({ version: this.version, nonce: String(this.#nonce), resources: snapshot.pick(this.names) });
    return true;
  }
}
