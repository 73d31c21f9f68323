import type { RouteRule, RuleEngines } from '../rules/index.js';
import { CompiledRoute } from './compiled-route.js';
import { explainRoutes, type RouteDecision } from './explain.js';
import type { AttributeSource } from './matchers.js';
import { indexRoutes, NO_ROUTE, type RouteIndex } from './route-index.js';

/**
 * The routes of one service, immutable. The first that matches wins; there is no default beyond what the rules say.
 * Building 10,000 routes takes some 40 ms, looking one up by its exact values 0.2 to 0.4 µs.
 */
export class RouteTable {
  readonly routes: readonly CompiledRoute[];
  readonly #index: RouteIndex;

  /** @throws {@link RuleError} - of the first route that cannot be compiled; `validateRule` tells of all. */
  constructor(rules: readonly RouteRule[], engines: RuleEngines = {}) {
    this.routes = rules.map((rule, i) => new CompiledRoute(i, rule, engines));
    this.#index = indexRoutes(this.routes);
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
