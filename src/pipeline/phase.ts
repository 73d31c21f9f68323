/**
 * Where a runner stands with the stage that it has come to. A stage may answer before its `before` has returned; then the
 * runner keeps the answer in place of the phase: a Failure, or undefined for "go on".
 */
export type Phase = typeof RUNNING | typeof ENTERING | typeof WAITING;

export const RUNNING = 0;
/** A stage's `before` is on the stack. */
export const ENTERING = 1;
/** For the stage's `resume`. */
export const WAITING = 2;
