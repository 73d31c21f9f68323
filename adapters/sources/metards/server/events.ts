/** What a MetaRDS server tells of itself. Node ids and reasons are the clients' own words. */
export type MetaRdsEvent =
  /** A stream asks for these names; none: for all. */
  | { readonly type: 'subscribed'; readonly node: string; readonly names: readonly string[] }
  /** There is a new version. */
  | {
      readonly type: 'built';
      readonly version: string;
      /** All that is served. */
      readonly names: readonly string[];
      /** What is new, gone or not the same. */
      readonly changed: readonly string[];
      /** So many were sent it at once; others have yet to answer their last response. */
      readonly streams: number;
    }
  | {
      readonly type: 'sent';
      readonly node: string;
      readonly version: string;
      readonly nonce: string;
      readonly names: readonly string[];
    }
  | { readonly type: 'accepted'; readonly node: string; readonly version: string }
  | { readonly type: 'refused'; readonly node: string; readonly version: string; readonly reason: string }
  | { readonly type: 'closed'; readonly node: string }
  /** Of the rules that the server follows; what was served before is served on. */
  | { readonly type: 'problem'; readonly message: string };
