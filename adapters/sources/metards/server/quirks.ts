/**
 * Where Aeraki's own MetaRDS server is unkind, ours is not unless it is asked to be. Each of these was seen on the real
 * server, Aeraki 1.4 with go-control-plane; `test/golden/metards/wire-behaviour.json` has the transcripts.
 */
export interface MetaRdsQuirks {
  /**
   * How long nothing must have changed before a version is built, in ms. It is put off at most ten times as long. 0: each
   * change is built at once.
   */
  readonly debounceMs: number;
  /**
   * What `version_info` is. `counted`: 1, 2, 3. `unix-seconds`: when it was built, so that of two versions within one
   * second the later does not reach who has accepted the earlier.
   */
  readonly versions: 'counted' | 'unix-seconds';
  /** A node that is new is not answered but waits for a build, that goes to everybody. */
  readonly silentAtFirst: boolean;
  /** A version is built, and pushed, though nothing is different. */
  readonly repeatUnchanged: boolean;
  /** A refused version is sent again at once and without end, instead of not before there is a newer one. */
  readonly resendOnNack: boolean;
  /**
   * When one of several streams with the same node id closes, the others get nothing until they send a request; also
   * where a client opened its new stream before the server noticed the end of the old one.
   */
  readonly clearNodeOnClose: boolean;
  /** Resources come in random order, and so do the matchers of a route. */
  readonly shuffle: boolean;
}

/** What holds if nothing is said: quick, and without surprises. */
export const NO_QUIRKS: MetaRdsQuirks = {
  debounceMs: 0,
  versions: 'counted',
  silentAtFirst: false,
  repeatUnchanged: false,
  resendOnNack: false,
  clearNodeOnClose: false,
  shuffle: false,
};

/** All of them, as the real server has them. */
export const AS_RECORDED: MetaRdsQuirks = {
  debounceMs: 1_000,
  versions: 'unix-seconds',
  silentAtFirst: true,
  repeatUnchanged: true,
  resendOnNack: true,
  clearNodeOnClose: true,
  shuffle: true,
};
