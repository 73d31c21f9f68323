import type { ServiceRule } from './model.js';

export interface Choice {
  readonly service: ServiceRule;
  /** Others that fit as well, and are younger: worth a warning, since chance must not decide. */
  readonly tied: readonly ServiceRule[];
}

const NO_TIES: readonly ServiceRule[] = [];

/**
 * Which of the services at an address a message is for, as all Dubbo interfaces of a provider share one. By the
 * message's service keys in their order: a service that was given the key (of several, one whose host is among the keys
 * too, which tells groups and versions of a Dubbo interface apart), else the service whose host it is. A message that
 * names none of them goes to a service that was given no key, if there is one. Ties go to the oldest.
 *
 * @param candidates - oldest first, as the store gives them
 * @param serviceKeys - what the protocol reads from the message: Dubbo's interface, and the host that its registry would
 *   have given it
 * @returns undefined only if there are no candidates
 */
export function choose(candidates: readonly ServiceRule[], serviceKeys: readonly string[] = []): Choice | undefined {
  if (candidates.length === 0) return undefined;
  if (candidates.length === 1) return { service: candidates[0]!, tied: NO_TIES };
  for (const key of serviceKeys) {
    const named = candidates.filter((service) => service.serviceKey === key);
    if (named.length > 0) return oldest(named.length === 1 ? named : narrowed(named, serviceKeys));
  }
  for (const key of serviceKeys) {
    const hosts = candidates.filter((service) => service.host === key);
    if (hosts.length > 0) return oldest(hosts);
  }
  const unnamed = candidates.filter((service) => service.serviceKey === undefined);
  return oldest(unnamed.length > 0 ? unnamed : candidates);
}

function narrowed(named: readonly ServiceRule[], serviceKeys: readonly string[]): readonly ServiceRule[] {
  const hosts = named.filter((service) => serviceKeys.includes(service.host));
  return hosts.length > 0 ? hosts : named;
}

function oldest(fitting: readonly ServiceRule[]): Choice {
  return { service: fitting[0]!, tied: fitting.length === 1 ? NO_TIES : fitting.slice(1) };
}
