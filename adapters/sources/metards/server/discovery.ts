/**
 * A MetaRDS server without its sockets: streams of requests on one side, versions of all routes on the other.
 *
 * Everybody is served the same; a node id only groups streams. The real server keeps a snapshot for each node id that it
 * knows: a new one has none, so it waits for the next build, and its request causes one. A build gives all nodes a new
 * snapshot and answers each stream that is parked and behind it. When any stream of a node closes the node is forgotten,
 * with its other streams: they are found again by their next request. Ours keeps this shape, so that each quirk is one
 * condition: a new node is given the current snapshot, and is forgotten with its last stream.
 *
 * Edge cases: no rules yet is silence, rules without services are an answer with nothing in it. Another type of resource
 * is never answered. A stream may change its node id, it then leaves the earlier one. Nothing is kept of what has gone.
 *
 * Source: `test/golden/metards/wire-behaviour.json`, which `test/adapters/sources/metards/server` replays.
 */

import type { Runtime } from '../../../../src/runtime/index.js';
import { Debounce } from './debounce.js';
import type { MetaRdsEvent } from './events.js';
import type { MetaRdsQuirks } from './quirks.js';
import { type Resource, Snapshot } from './snapshot.js';
import { type RouteRequest, type RouteResponse, Subscription } from './subscription.js';

export const ROUTE_TYPE = 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration';

/** A client's stream. */
export interface RouteStream {
  request(request: RouteRequest): void;
  /** Nothing is sent any more. */
  close(): void;
}

interface Node {
  snapshot: Snapshot | undefined;
  readonly streams: Set<Stream>;
}

interface Stream {
  readonly subscription: Subscription;
  node: string | undefined;
}

export class Discovery {
  readonly #nodes = new Map<string, Node>();
  readonly #debounce: Debounce;
  #resources: readonly Resource[] | undefined;
  #current: Snapshot | undefined;
  #built = 0;

  constructor(
    private readonly runtime: Runtime,
    private readonly quirks: MetaRdsQuirks,
    private readonly tell: (event: MetaRdsEvent) => void,
  ) {
    this.#debounce = new Debounce(runtime, quirks.debounceMs, () => this.#build());
  }

  /** From now on these, and no others, are served. */
  publish(resources: readonly Resource[]): void {
    this.#resources = resources;
    this.#debounce.trigger();
  }

  /** @param send - must not answer within itself */
  open(send: (response: RouteResponse) => void): RouteStream {
    const stream: Stream = {
      node: undefined,
      subscription: new Subscription((response) => {
        send(response);
        const names = response.resources.map(({ name }) => name);
        const { version, nonce } = response;
        this.tell({ type: 'sent', node: stream.node!, version, nonce, names });
      }, this.quirks.resendOnNack),
    };
    return {
      request: (request) => this.#request(stream, request),
      close: () => this.#leave(stream),
    };
  }

  /** What a node would be served that asks once. `unknown`: nothing has been built for it. */
  fetch(node: string, version: string): Snapshot | 'unknown' | 'unchanged' {
    const snapshot = this.#nodes.get(node)?.snapshot ?? (this.quirks.silentAtFirst ? undefined : this.#current);
    if (snapshot === undefined) return 'unknown';
    return snapshot.version === version ? 'unchanged' : snapshot;
  }

  close(): void {
    this.#debounce.close();
    this.#nodes.clear();
  }

  #request(stream: Stream, request: RouteRequest): void {
    if (request.typeUrl !== '' && request.typeUrl !== ROUTE_TYPE) return;
    const node = this.#join(stream, request.node ?? stream.node ?? '');
    const { subscription } = stream;
    const { names, version } = subscription;
    const taken = subscription.take(request);
    if (taken === 'stale') return;
    const by = { node: stream.node!, version };
    if (taken === 'accepted') this.tell({ type: 'accepted', ...by });
    if (taken === 'refused') this.tell({ type: 'refused', ...by, reason: request.refusal ?? '' });
    if (version === '' || !sameNames(names, request.names)) {
      this.tell({ type: 'subscribed', node: stream.node!, names: request.names });
    }
    if (!this.quirks.silentAtFirst) node.snapshot ??= this.#current;
    if (node.snapshot === undefined) this.#debounce.trigger();
    else subscription.offer(node.snapshot);
  }

  #build(): void {
    if (this.#resources === undefined) return;
    const changed = this.#current?.changes(this.#resources) ?? this.#resources.map(({ name }) => name);
    const fresh = this.#current === undefined || changed.length > 0 || this.quirks.repeatUnchanged;
    const current = fresh ? new Snapshot(this.#nextVersion(), this.#resources) : this.#current!;
    this.#current = current;
    let streams = 0;
    for (const node of this.#nodes.values()) {
      node.snapshot = current;
      for (const { subscription } of node.streams) if (subscription.offer(current)) streams++;
    }
    if (fresh) this.tell({ type: 'built', version: current.version, names: current.names, changed, streams });
  }

  #nextVersion(): string {
    this.#built++;
    return String(this.quirks.versions === 'counted' ? this.#built : Math.floor(this.runtime.wallNow() / 1000));
  }

  #join(stream: Stream, id: string): Node {
    if (stream.node !== id) this.#leave(stream);
    stream.node = id;
    let node = this.#nodes.get(id);
    if (node === undefined) {
      node = { snapshot: undefined, streams: new Set() };
      this.#nodes.set(id, node);
    }
    node.streams.add(stream);
    return node;
  }

  #leave(stream: Stream): void {
    if (stream.node === undefined) return;
    const { node: id } = stream;
    stream.node = undefined;
    this.tell({ type: 'closed', node: id });
    const node = this.#nodes.get(id);
    node?.streams.delete(stream);
    if (this.quirks.clearNodeOnClose || node?.streams.size === 0) this.#nodes.delete(id);
  }
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}
