import type { Attempt, Outcome, Pass } from '../call/index.js';
import type { Gate } from '../policy/index.js';

/** Told of a throw in a stage's `settled`: settling goes on, the call keeps its outcome. */
export let onStageThrow: (thrown: unknown) => void = (thrown) => {
  queueMicrotask(() => {
    throw thrown;
  });
};

/** For the mesh, which logs it. */
export function setOnStageThrow(handler: (thrown: unknown) => void): void {
  onStageThrow = handler;
}

/** `settled` must not throw; if it does, whatever else has to be settled still is. */
export function settle<T extends Pass | Attempt>(gate: Gate<T>, target: T, outcome: Outcome): void {
  try {
    gate.settled(target, outcome);
  } catch (thrown) {
    onStageThrow(thrown);
  }
}
