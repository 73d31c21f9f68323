import type { Destination, FailureCode } from '../../call/index.js';
import type { ServiceRule } from '../../rules/index.js';
import type { Placement } from './decide.js';
import type { PlacementState } from './hysteresis.js';
import type { PlacementReason } from './reasons.js';

/** Where a destination is placed now: what a call looks at. */
export class Placed {
  placement: Placement = 'waiting';
  reason: PlacementReason = 'first-rules';
  /** Of the Failure, if it is refused. */
  code: FailureCode | undefined = undefined;
  /** Where the sidecar takes what is meant for the destination. The same object as long as it is the same place. */
  sidecar: Destination = NOWHERE;
  /** Undefined: never looked at. */
  state: PlacementState | undefined = undefined;
  /** Until when a source that was asked for its routes by name is waited for, in `now()`. Undefined: none is. */
  awaitedUntil: number | undefined = undefined;
  /** As of which revision of the {@link Placements}. */
  seen = -1;

  /** Do its calls go to one address as they are: the sidecar's, or the one that was named? */
  get ungoverned(): boolean {
    return this.placement === 'sidecar' || (this.placement === 'direct' && this.reason === 'no-rules');
  }
}

const NOWHERE: Destination = { host: '', port: 0 };

/** A destination that has a placement. */
export interface Placeable {
  readonly destination: Destination;
  /** Services that may be meant by it, oldest first. */
  readonly described: readonly ServiceRule[];
  /** What is spoken there, if it can be decoded. */
  readonly protocol: object | undefined;
  readonly placed: Placed;
}

/** Where a destination is placed, for people. */
export interface PlacementStatus {
  /** `<host>:<port>`, as it is called. */
  readonly service: string;
  readonly placement: Placement;
  readonly reason: PlacementReason;
  /** The reason in words. */
  readonly why: string;
  /** `<host>:<port>` of the sidecar, where that is the placement. */
  readonly sidecar?: string;
  /** Unix ms. */
  readonly since: number;
  /** Code and reason of the Failure, where it is refused. */
  readonly refused?: string;
}
