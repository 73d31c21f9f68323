import { Failure } from '../../call/index.js';
import type { BreakerEngine } from '../engines.js';

/** The refusal of a breaker that is not closed, with when to come again. */
export function circuitOpen({ probeInMs }: BreakerEngine, name: string): Failure {
  const next = probeInMs === undefined ? 'a probe is under way' : `the next probe may go in ${Math.ceil(probeInMs)} ms`;
  return new Failure('CIRCUIT_OPEN', { role: 'circuit-breaker', reason: `too many calls of ${name} failed, ${next}` });
}
