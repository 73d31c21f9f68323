import type { Call, Outcome, Pass } from '../call/index.js';

/** A call with its outcome, as logs and records are made from it. Holds messages: let go of it soon. */
export interface EndedCall {
  readonly call: Call;
  /** Key of the service; `unknown` if it could not be told. */
  readonly service: string;
  /** The last one; undefined: no route was found. */
  readonly pass: Pass | undefined;
  readonly outcome: Outcome;
  /** Unix ms. */
  readonly startedAt: number;
  readonly durationMs: number;
}
