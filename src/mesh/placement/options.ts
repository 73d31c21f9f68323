/** `auto`: in-process, and by the sidecar what cannot be served so. */
export type PlacementWish = 'auto' | 'in-process' | 'sidecar';

/**
 * What becomes of calls whose rules did not come in time, where there is no sidecar.
 *
 * - `default-route`: a service that is described, without the route table that a control plane would send, is served by
 *   the default route, to all of its endpoints with its cluster's policies, as Aeraki does for services without a
 *   MetaRouter. What nobody describes is refused: there is no cluster to route to.
 * - `direct`: the destination is dialled as it was named, ungoverned; never in plaintext where mTLS is known to be wanted.
 * - `fail`: both are refused.
 */
export type OnNoRules = 'default-route' | 'direct' | 'fail';

/** The proxy beside this process. */
export interface SidecarOptions {
  /**
   * Which of this process's connections it captures, as its injection was configured.
   *
   * - `none`: there is no proxy, or these ports are excluded. Only {@link ports} lead to it.
   * - `services`: those to services' own addresses, not those to their endpoints (Istio's `includeOutboundIPRanges`). It
   *   is reached by dialling a service's own address.
   * - `all`: those to endpoints too, so that in-process calls would go through it a second time: `auto` places all
   *   services there.
   *
   * @defaultValue 'none'
   */
  readonly captures?: 'none' | 'services' | 'all';
  /** Loopback ports of it that stand for services, by `<host>:<port>`: these are dialled in place of the service. */
  readonly ports?: Readonly<Record<string, number>>;
  /**
   * Is the capturing proxy there? Asked at the start, and each second while a destination needs one; may take 1 s. A
   * rejection is a no.
   * @defaultValue it is
   */
  readonly detect?: () => Promise<boolean>;
}

/** Where calls go: {@link MeshOptions} takes these. */
export interface PlacementOptions {
  /** For all services, or by `<host>:<port>` with `*` for the others. @defaultValue 'auto' */
  readonly placement?: PlacementWish | Readonly<Record<string, PlacementWish>>;
  readonly sidecar?: SidecarOptions;
  /** @defaultValue 'default-route' */
  readonly onNoRules?: OnNoRules;
  /**
   * A service whose source of rules has been out of contact for longer goes by the sidecar, if there is one. Without one
   * last-good rules serve on.
   * @defaultValue never: last-good rules are as good as any
   */
  readonly maxStaleMs?: number;
  /** When a service that fell back to the sidecar returns. */
  readonly fallBack?: FallBackOptions;
}

/** How long a service stays at the sidecar that it fell back to. */
export interface FallBackOptions {
  /** How long a fall-back lasts at least. @defaultValue 60,000 ms */
  readonly lastsMs?: number;
  /** For how long on end in-process must be able to serve before it does again. @defaultValue 30,000 ms */
  readonly healthyMs?: number;
}
