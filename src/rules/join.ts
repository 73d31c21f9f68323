/**
 * A service and a route table that another source sent for it, as MetaRDS sends routes and nothing else, made one.
 *
 * Written routes follow precedence (code over file over MetaRDS over registries). Routes that nobody wrote, the default
 * one of a ServiceEntry without a MetaRouter, give way to any table. Policies for routes by name are the describing
 * source's, so that a TrafficPolicy in a file holds for a route that the control plane sent.
 */
import { mergePolicies } from './effective.js';
import type { Held } from './layers.js';
import type { RouteRule, RouteTableRule, ServiceRule } from './model.js';

/** @returns the service itself where there is nothing to join. */
export function joinRoutes({ rule, source }: Held<ServiceRule>, table: Held<RouteTableRule> | undefined): ServiceRule {
  if (table === undefined) return rule;
  if (rule.routesByDefault !== true && table.source.precedence < source.precedence) return rule;
  const { routesByDefault: _, ...service } = rule;
  return { ...service, routes: table.rule.routes.map((route) => withPolicy(route, rule)) };
}

function withPolicy(route: RouteRule, { routePolicies = [] }: ServiceRule): RouteRule {
  const named = routePolicies.find(([name]) => name === route.name);
  return named === undefined ? route : { ...route, policy: mergePolicies(route.policy, named[1]) };
}
