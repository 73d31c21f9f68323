import { Call, NOBODY } from '../call/index.js';
import { RoutedPass } from './pass-run.js';
import type { RoutePlan } from './plan.js';

/** A mirror's failure is counted where it happens and goes no further. */
const FORGET = { passEnded() {} };

/** Sends the call's request to another cluster as well: one pass of its own, with what time the call has left. Streams are not mirrored. */
export function mirrorTo(call: Call, plan: RoutePlan): void {
  if (call.request.kind === 'stream-open') return;
  const copy = new Call(call.request, call.protocol, call.destination, NOBODY);
  copy.mutation = call.mutation;
  copy.deadlineAt = call.deadlineAt;
  copy.startedAt = call.startedAt;
  copy.now = call.now;
  copy.draw = call.draw;
  copy.mirrored = true;
  new RoutedPass(copy, plan, FORGET).start();
}
