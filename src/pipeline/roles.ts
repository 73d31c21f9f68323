/**
 * The roles of a plan, outermost first, each with the reason for its place. The runner's slots follow this list; a test
 * holds the two together, and `meltemi plan` prints it.
 */
export interface RoleEntry {
  readonly role: string;
  /** `entry`: once a call, before the route. `route`: once a pass. `attempt`: each try. */
  readonly part: 'entry' | 'route' | 'attempt';
  readonly why: string;
}

/** All roles, outermost first. */
export const ROLES: readonly RoleEntry[] = [
  { part: 'entry', role: 'telemetry', why: 'counts every outcome of a call, no route and refusals included' },
  { part: 'entry', role: 'interceptors-before-route', why: 'what they set, the route sees' },
  { part: 'entry', role: 'match', why: 'a call without a route is a counted, explained refusal' },
  {
    part: 'route',
    role: 'deadline',
    why: 'absolute, fixed on entry, tightened by the route: everything below ends by it, waiting included',
  },
  {
    part: 'route',
    role: 'fallback',
    why: 'inside the deadline, which fails the inside into it; outside everything it may have to stand in for',
  },
  { part: 'route', role: 'rate-limit', why: 'refuses before any work is done' },
  { part: 'route', role: 'pacing', why: 'after the limit, so that only what may pass waits its turn' },
  { part: 'route', role: 'interceptors-routed', why: 'know the route; may stand around everything that is sent' },
  { part: 'route', role: 'mirror', why: 'once a call, never once an attempt' },
  { part: 'route', role: 'retry', why: 'one budget a cluster; each attempt passes everything below anew' },
  { part: 'attempt', role: 'circuit-breaker', why: 'each attempt asks; an open circuit is not retried' },
  {
    part: 'attempt',
    role: 'concurrency',
    why: 'a slot of the cluster before an endpoint is chosen, so that no pick ages in a queue',
  },
  {
    part: 'attempt',
    role: 'balance',
    why: 'an endpoint that this call has not tried, and a connection to it; a failed connect is re-picked, not retried',
  },
  { part: 'attempt', role: 'outlier', why: "learns each attempt's outcome, timeouts included" },
  { part: 'attempt', role: 'attempt-telemetry', why: 'counts attempts per cluster and endpoint' },
  { part: 'attempt', role: 'attempt-timeout', why: 'runs from the moment there is a connection' },
  { part: 'attempt', role: 'dispatch', why: "encodes with rules' mutations and stamps, sends, awaits" },
];
