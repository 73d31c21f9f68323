/**
 * Priority levels, as Envoy spreads load over them: all calls go to the first level while enough of it is healthy, and
 * what its healthy share cannot take overflows to the next. Levels come from the rules' own priorities and, where a
 * cluster ejects endpoints, from how near they are to this process: Istio's locality failover, which needs ejection
 * since otherwise nobody knows that a zone is down.
 *
 * - A level can take 140 % of its healthy share ({@link OVERPROVISIONING}, Envoy's factor 1.4), so it overflows when less
 *   than 5 of 7 endpoints are healthy. If all levels together can't take everything, they share it by what they can.
 * - Healthy: neither ejected nor draining, as of the last ejection or return. With none at all the first level is asked.
 * - A call with a hash always falls on the same level while healths are the same, as in Envoy.
 * - If the drawn level has no endpoint for the attempt (all tried), the others are asked, the preferred first.
 *
 * A pick with all endpoints in service costs a comparison more than without levels.
 */
import type { Attempt, Outcome } from '../call/index.js';
import type { Runtime } from '../runtime/index.js';
import type { Balancer } from './balancer.js';
import type { Candidates } from './candidates.js';
import type { Endpoint } from './endpoint.js';

/** Percent; Envoy's default `overprovisioning_factor`. */
const OVERPROVISIONING = 140;

/** How far an endpoint is, 0 to 3, by Istio's steps: same sub-zone, same zone, same region, elsewhere. */
export function localityRank(own: string, its: string): number {
  const [region, zone = '', subzone = ''] = own.split('/');
  const [itsRegion, itsZone = '', itsSubzone = ''] = its.split('/');
  if (region !== itsRegion) return 3;
  if (zone !== itsZone) return 2;
  return subzone === itsSubzone ? 0 : 1;
}

/** Counts ejections and returns, so that who keeps a sum knows when to make it anew. */
export interface EjectionCount {
  readonly ejected: number;
  readonly revision: number;
}

/** @param make - a balancer over the endpoints of one level */
export function overLevels(
  endpoints: readonly Endpoint[],
  make: (level: readonly Endpoint[]) => Balancer,
  runtime: Runtime,
  ejections: () => EjectionCount | undefined,
): Balancer {
  const levels = new Map<number, Endpoint[]>();
  for (const endpoint of endpoints) {
    const level = levels.get(endpoint.priority);
    if (level === undefined) levels.set(endpoint.priority, [endpoint]);
    else level.push(endpoint);
  }
  if (levels.size < 2) return make(endpoints);
  const ordered = [...levels].sort(([a], [b]) => a - b).map(([, level]) => level);
  return new Priorities(
    ordered.map((level) => ({ endpoints: level, balancer: make(level), share: 0 })),
    runtime,
    ejections,
  );
}

interface Level {
  readonly endpoints: readonly Endpoint[];
  readonly balancer: Balancer;
  /** Of a hundred calls. */
  share: number;
}

class Priorities implements Balancer {
  #revision = -1;

  constructor(
    private readonly levels: readonly Level[],
    private readonly runtime: Runtime,
    private readonly ejections: () => EjectionCount | undefined,
  ) {}

  pick(attempt: Attempt, candidates: Candidates): Endpoint | undefined {
    const ejections = this.ejections();
    const drawn = ejections === undefined || ejections.ejected === 0 ? this.levels[0]! : this.#draw(attempt, ejections);
    const endpoint = drawn.balancer.pick(attempt, candidates);
    return endpoint ?? this.#elsewhere(drawn, attempt, candidates);
  }

  observe(endpoint: Endpoint, attempt: Attempt, outcome: Outcome): void {
    for (const { endpoints, balancer } of this.levels) {
      if (endpoints[0]!.priority === endpoint.priority) balancer.observe?.(endpoint, attempt, outcome);
    }
  }

  #draw(attempt: Attempt, { revision }: EjectionCount): Level {
    if (revision !== this.#revision) {
      this.#revision = revision;
      this.#weigh();
    }
    const { hash } = attempt.pass;
    let point = hash === undefined ? this.runtime.random() * 100 : Number(hash % 100n);
    for (const level of this.levels) {
      point -= level.share;
      if (point < 0) return level;
    }
    return this.levels[0]!;
  }

  #weigh(): void {
    const able = this.levels.map(({ endpoints }) => {
      const healthy = endpoints.filter((it) => it.ejectedUntil === 0 && !it.peer.draining).length;
      return Math.min(100, (OVERPROVISIONING * healthy) / endpoints.length);
    });
    const all = Math.min(
      100,
      able.reduce((sum, each) => sum + each, 0),
    );
    let left = 100;
    for (const [index, level] of this.levels.entries()) {
      level.share = all === 0 ? 0 : Math.min(left, (able[index]! * 100) / all);
      left -= level.share;
    }
  }

  #elsewhere(drawn: Level, attempt: Attempt, candidates: Candidates): Endpoint | undefined {
    for (const level of this.levels) {
      const endpoint = level === drawn ? undefined : level.balancer.pick(attempt, candidates);
      if (endpoint !== undefined) return endpoint;
    }
    return undefined;
  }
}
