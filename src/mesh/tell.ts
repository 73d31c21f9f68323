import type { ClusterEvent } from '../cluster/index.js';
import type { ConnectionEvent } from '../connection/index.js';
import type { BreakerState } from '../policy/index.js';
import type { AdoptionChange, RuleStore, SourceChange } from '../rules/index.js';
import type { Work } from '../runtime/index.js';
import { events, type Logger, type PlacementChange } from '../telemetry/index.js';

/** How a source stands now, and what it complains of: once each, at the level that it has. */
export function tellSource({ source, before, error, problems }: SourceChange, logger: Logger): void {
  const { name, state, version } = source;
  for (const { severity, message } of problems) {
    logger[severity === 'error' ? 'error' : 'warn'](`source ${name}: ${message}`);
    if (severity !== 'error' || !events.rulesProblem.hasSubscribers) continue;
    events.rulesProblem.publish({ source: name, message });
  }
  // A line each: it may list the problems of many files.
  if (state === 'failed') for (const line of `failed: ${error}`.split('\n')) logger.error(`source ${name} ${line}`);
  else if (error !== undefined) logger.warn(`source ${name} is ${state}: ${error}`);
  // Whoever was warned wants to hear that it is over.
  else if (state !== before)
    logger[state === 'stale' || before === 'stale' ? 'warn' : 'info'](`source ${name} is ${state}`);
  if (state === before || !events.sourceChange.hasSubscribers) return;
  events.sourceChange.publish({ source: name, state, before, version, error });
}

/** Which rules came into force, and which were held back and why: that is worth a line in the log too. */
export function* tellRules(change: AdoptionChange, store: RuleStore, logger: Logger): Work {
  const { services, clusters, endpoints, held, refused } = change;
  for (const { wanted, problems, unknown } of held) {
    const missing = `nobody describes ${unknown.join(', ')}`;
    const message = problems.length > 0 ? problems.map((it) => it.message).join('; ') : missing;
    logger.warn(`${wanted.from.origin}: the routes before stay in force: ${message}`);
    if (events.rulesProblem.hasSubscribers) events.rulesProblem.publish({ source: wanted.from.source, message });
    yield;
  }
  for (const { wanted, problems } of refused) {
    const message = problems.map((it) => it.message).join('; ');
    logger.warn(`${wanted.from.origin}: ${wanted.name} stays as it was before: ${message}`);
    if (events.rulesProblem.hasSubscribers) events.rulesProblem.publish({ source: wanted.from.source, message });
    yield;
  }
  if (!events.rulesApplied.hasSubscribers) return;
  const { sources, version } = store;
  const source = sources.map((it) => it.name).join(',');
  const sizes = { services: services.size, clusters: clusters.size, endpoints: endpoints.size };
  events.rulesApplied.publish({ source, version, ...sizes });
}

/** Where the calls of a service go from now on. A fall-back, routes by default for want of rules, and the end of either are warnings. */
export function tellPlacement(
  change: PlacementChange,
  why: { readonly text: string; readonly fallBack: boolean },
  recovered: boolean,
  logger: Logger,
): void {
  const { service, from, to } = change;
  const byDefault = change.reason === 'no-rules' && to === 'in-process';
  const warns =
    recovered || byDefault || (why.fallBack && (to === 'sidecar' || (from !== undefined && from !== 'waiting')));
  const before = from === undefined || from === to ? '' : `, before ${from}`;
  const how = byDefault ? ' by its default route' : '';
  logger[warns ? 'warn' : 'info'](`${service}: ${to}${how}${before}, since ${why.text}`);
  if (events.placementChange.hasSubscribers) events.placementChange.publish(change);
}

export function tellCircuit(cluster: string, state: BreakerState): void {
  if (events.circuitChange.hasSubscribers) events.circuitChange.publish({ cluster, state });
}

/** What happens to endpoints, for whoever listens. */
export function tellCluster(event: ClusterEvent): void {
  const { cluster, address } = event;
  if (event.type === 'restored') {
    if (events.endpointRestored.hasSubscribers) events.endpointRestored.publish({ cluster, address });
  } else if (events.endpointEjected.hasSubscribers) {
    events.endpointEjected.publish({ cluster, address, failures: event.failures, forMs: event.forMs });
  }
}

/** What happens to connections, for whoever listens. */
export function tellConnection(event: ConnectionEvent): void {
  const { side, address, protocol, reason = '' } = event;
  switch (event.kind) {
    case 'opened':
      if (events.connectionOpen.hasSubscribers) events.connectionOpen.publish({ side, address, protocol });
      return;
    case 'closed':
      if (events.connectionClose.hasSubscribers) events.connectionClose.publish({ side, address, protocol, reason });
      return;
    case 'protocol-error':
      if (events.connectionProtocolError.hasSubscribers)
        events.connectionProtocolError.publish({ side, address, protocol, reason });
  }
}
