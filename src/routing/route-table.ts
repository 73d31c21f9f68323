import type { RouteRule, RuleEngines } from '../rules/index.js';
import { finish, type Work } from '../runtime/index.js';
import { CompiledRoute } from './compiled-route.js';
import { explainRoutes, type RouteDecision } from './explain.js';
import type { AttributeSource } from './matchers.js';
import { indexRoutes, NO_ROUTE, type RouteIndex } from './route-index.js';

interface Parts {
  readonly routes: readonly CompiledRoute[];
  readonly index: RouteIndex;
}

/** Routes between two yields: their patterns are compiled. */
const STEP = 8;

/**
 * The routes of one service, immutable. The first that matches wins; there is no default beyond what the rules say.
 * Building 10,000 routes takes some 40 ms, looking one up by its exact values 0.2 to 0.4 µs.
 */
export class RouteTable {
  readonly routes: readonly CompiledRoute[];
  readonly #index: RouteIndex;

  /** @throws {@link RuleError} - of the first route that cannot be compiled; `validateRule` tells of all. */
  constructor(rules: readonly RouteRule[], engines: RuleEngines = {}, parts: Parts = finish(compile(rules, engines))) {
    this.routes = parts.routes;
    this.#index = parts.index;
  }

  /** The same, that may be interrupted. */
  static *build(rules: readonly RouteRule[], engines: RuleEngines): Work<RouteTable> {
    return new RouteTable(rules, engines, yield* compile(rules, engines));
  }

  /** Undefined: no route matches. Allocates nothing, but for what a regex engine does and 16-digit numbers in ranges. */
  match(source: AttributeSource): CompiledRoute | undefined {
    const place = this.#index.first(source, NO_ROUTE);
    return place === NO_ROUTE ? undefined : this.routes[place];
  }

  /** What {@link match} decides, and why each earlier route did not match. For people: tries routes one by one. */
  explain(source: AttributeSource): RouteDecision {
    return explainRoutes(this.routes, source);
  }
}

function* compile(rules: readonly RouteRule[], engines: RuleEngines): Work<Parts> {
  const routes: CompiledRoute[] = [];
  for (let i = 0; i < rules.length; i++) {
    routes.push(new CompiledRoute(i, rules[i]!, engines));
    if (i % STEP === STEP - 1) yield;
  }
  return { routes, index: yield* indexRoutes(routes) };
}
