/** What the mesh tells about itself: meters, access log, events, explain, logger. Imports `call` and below. */
export { type Logger, silentLogger, stderrLogger, withoutRepeats } from './logger.js';
export { OUTCOMES, type OutcomeName, outcomeName } from './outcomes.js';
