/** Why a destination is placed where it is. Shown by status and explain; `docs/control-plane.md` lists them, a test holds the two together. */
export const REASONS = {
  served: { text: 'its rules are here', fallBack: false },
  undescribed: { text: 'no rule describes it as one of the services of the mesh', fallBack: false },
  configured: { text: 'the configuration says so', fallBack: false },
  captured: {
    text: 'a proxy beside this process captures all connections, so that ours would go through it as well',
    fallBack: false,
  },
  detecting: { text: 'it is not known yet whether there is a proxy beside this process', fallBack: false },
  'first-rules': { text: 'the first rules have not come yet', fallBack: false },
  'no-rules': { text: 'its rules did not come in time', fallBack: true },
  'no-codec': { text: 'no protocol of this mesh can read what it speaks', fallBack: true },
  mtls: { text: 'its endpoints want mTLS, which this process cannot present', fallBack: true },
  stale: { text: 'the source of its rules has been out of contact for longer than maxStale', fallBack: true },
} as const satisfies Record<PlacementReason, PlacementReasonTraits>;

interface PlacementReasonTraits {
  /** For people. */
  readonly text: string;
  /** In-process would serve if this were not so: a sidecar steps in, for a while at least. */
  readonly fallBack: boolean;
}

/** Why a destination is placed where it is: `docs/control-plane.md` says what each means. */
export type PlacementReason =
  | 'served'
  | 'undescribed'
  | 'configured'
  | 'captured'
  | 'detecting'
  | 'first-rules'
  | 'no-rules'
  | 'no-codec'
  | 'mtls'
  | 'stale';
