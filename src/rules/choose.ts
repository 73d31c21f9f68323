import type { ServiceRule } from './model.js';

export interface Choice {
  readonly service: ServiceRule;
  /** Others that fit as well, and are younger: worth a warning, since chance must not decide. */
  readonly tied: readonly ServiceRule[];
}

const NO_KEYS: readonly string[] = [];

/**
 * Which of the services at an address a message is for, as all interfaces of a provider may share one. By the
 * message's service keys, the most exact first: a service that was given the key (of several, the one whose host is a key
 * of the message too, which tells groups and versions of an interface apart), else the service whose host it is. A
 * message that names none of them goes to a service that was given no key, and if there is none it is nobody's: another
 * interface's rules are not its own. A message that says nothing of whose it is goes to the oldest. So do ties.
 *
 * Made once for the candidates, asked once a call: among 200 interfaces that is a look-up or two, and allocates nothing.
 */
export class Chooser {
  readonly #given = new Map<string, Named>();
  readonly #hosts: ReadonlyMap<string, Choice>;
  readonly #otherwise: Choice | undefined;
  readonly #single: boolean;
  readonly #allNamed: boolean;

  /** @param candidates - oldest first, as the store gives them */
  constructor(candidates: readonly ServiceRule[]) {
    for (const [key, services] of grouped(candidates, ({ serviceKey }) => serviceKey)) {
      this.#given.set(key, { choice: oldest(services), hosts: byHost(services) });
    }
    this.#hosts = byHost(candidates);
    const unnamed = candidates.filter(({ serviceKey }) => serviceKey === undefined);
    this.#allNamed = unnamed.length === 0;
    const fitting = unnamed.length > 0 ? unnamed : candidates;
    this.#otherwise = fitting.length > 0 ? oldest(fitting) : undefined;
    this.#single = candidates.length === 1;
  }

  /**
   * @param serviceKeys - what the protocol reads from the message: the host that a registry gives it, say, and then its interface
   * @returns undefined if there are no candidates, or all were given keys and none is the message's
   */
  choose(serviceKeys: readonly string[] = NO_KEYS): Choice | undefined {
    if (this.#single) return this.#otherwise;
    for (let i = 0; i < serviceKeys.length; i++) {
      const named = this.#given.get(serviceKeys[i]!);
      if (named !== undefined) return firstOf(named.hosts, serviceKeys) ?? named.choice;
    }
    const host = firstOf(this.#hosts, serviceKeys);
    if (host !== undefined) return host;
    return this.#allNamed && serviceKeys.length > 0 ? undefined : this.#otherwise;
  }
}

/** Services that were given one key. */
interface Named {
  readonly choice: Choice;
  readonly hosts: ReadonlyMap<string, Choice>;
}

/** {@link Chooser} for who asks but once. */
export function choose(candidates: readonly ServiceRule[], serviceKeys?: readonly string[]): Choice | undefined {
  return new Chooser(candidates).choose(serviceKeys);
}

function firstOf(choices: ReadonlyMap<string, Choice>, keys: readonly string[]): Choice | undefined {
  for (let i = 0; i < keys.length; i++) {
    const choice = choices.get(keys[i]!);
    if (choice !== undefined) return choice;
  }
  return undefined;
}

function byHost(services: readonly ServiceRule[]): ReadonlyMap<string, Choice> {
  const hosts = new Map<string, Choice>();
  for (const [host, same] of grouped(services, (service) => service.host)) hosts.set(host, oldest(same));
  return hosts;
}

/** Those with a key, by it, in their order. */
function grouped(services: readonly ServiceRule[], keyOf: (service: ServiceRule) => string | undefined) {
  const groups = new Map<string, ServiceRule[]>();
  for (const service of services) {
    const key = keyOf(service);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [service]);
    else group.push(service);
  }
  return groups;
}

function oldest([service, ...tied]: readonly ServiceRule[]): Choice {
  return { service: service!, tied };
}
