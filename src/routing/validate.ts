/**
 * What can be known to be wrong with rules when they come, before anything is compiled for calls: patterns, weights,
 * figures out of range, engines that are not there. All problems at once, each with the place where it was written.
 */
import { FALLBACK_CODES } from '../call/index.js';
import {
  type AttributeMatch,
  type ClusterRule,
  type EndpointsRule,
  foreignClusters,
  type KnownRules,
  namedClusters,
  type PolicyRule,
  type Provenance,
  type RateLimitRule,
  type RouteRule,
  type Rule,
  type RuleEngines,
  RuleError,
  type ServiceRule,
  serviceKey,
  type TokenBucketRule,
} from '../rules/index.js';
import { finish, type Work } from '../runtime/index.js';
import { MAX_WEIGHT } from './compiled-route.js';
import { compileMatch } from './matchers.js';

/** Every engine that a rule may ask for by name. */
export interface AvailableEngines extends RuleEngines {
  readonly breaker?: unknown;
  readonly pacing?: unknown;
  /**
   * Has these come, if they may yet.
   * @returns settled when they are here, or cannot be had; undefined: none of them will come
   */
  load?(names: Iterable<EngineName>): Promise<unknown> | undefined;
}

/** As in {@link AvailableEngines}. */
export type EngineName = 'regex' | 'hash' | 'breaker' | 'pacing';

/**
 * Empty: nothing is wrong. Costs what compiling the patterns costs.
 * @param known - what a route's destinations are looked up in, to tell of those that speak another protocol
 */
export function validateRule(rule: Rule, engines: AvailableEngines, known?: KnownRules): readonly RuleError[] {
  return finish(checkRule(rule, engines, known));
}

/** {@link validateRule}, that may be interrupted: a table of 10,000 routes takes some ms, and engines may have to be loaded. */
export function* checkRule(
  rule: Rule,
  engines: AvailableEngines,
  known: KnownRules = NOTHING,
): Work<readonly RuleError[]> {
  let check = new Check(engines, rule.from, known);
  yield* check.rule(rule);
  const coming = check.missing.size > 0 ? engines.load?.(check.missing) : undefined;
  if (coming !== undefined) {
    yield coming;
    check = new Check(engines, rule.from, known);
    yield* check.rule(rule);
  }
  return check.problems;
}

export function validateRules(rules: Iterable<Rule>, engines: AvailableEngines): readonly RuleError[] {
  const all = [...rules];
  const known = {
    services: new Map(all.flatMap((rule) => ('host' in rule && 'routes' in rule ? [[rule.key, rule]] : []))),
    clusters: new Map(all.flatMap((rule) => ('balancer' in rule ? [[rule.name, rule]] : []))),
  };
  return all.flatMap((rule) => validateRule(rule, engines, known));
}

const NOTHING: KnownRules = { services: new Map(), clusters: new Map() };

/** Routes between two yields: their patterns are compiled. */
const STEP = 8;
const ANY = Number.POSITIVE_INFINITY;

class Check {
  readonly problems: RuleError[] = [];
  /** Engines that are asked for and not here. */
  readonly missing = new Set<EngineName>();

  constructor(
    readonly engines: AvailableEngines,
    private from: Provenance,
    private readonly known: KnownRules,
  ) {}

  *rule(rule: Rule): Work {
    if ('host' in rule && 'routes' in rule) yield* this.#service(rule);
    else if ('routes' in rule) yield* this.#table(rule);
    else if ('balancer' in rule) this.#cluster(rule);
    else this.#endpoints(rule);
  }

  *#service(service: ServiceRule): Work {
    this.#port(service.port, `service ${service.key}`);
    this.#policy(service.policy, `service ${service.key}`);
    if (service.inboundRateLimit !== undefined) this.#rateLimit(service.inboundRateLimit, `service ${service.key}`);
    yield* this.#table(service);
    for (const { cluster, protocol } of foreignClusters(service, namedClusters(service), this.known)) {
      this.#problem(
        `service ${service.key} speaks ${service.protocol} and leads to ${cluster}, which speaks ${protocol}: nothing translates between them`,
      );
    }
  }

  *#table({ key, routes }: Pick<ServiceRule, 'key' | 'routes'>): Work {
    if (routes.length === 0) this.#problem(`service ${key} has no route; give it at least a default one`);
    const { from } = this;
    for (const [i, route] of routes.entries()) {
      this.from = route.from;
      this.#route(route, i);
      if (i % STEP === STEP - 1) yield;
    }
    this.from = from;
  }

  #cluster(cluster: ClusterRule): void {
    const where = `cluster ${cluster.name}`;
    this.#policy(cluster.policy, where);
    this.#number(cluster.connectTimeoutMs, 1, ANY, `${where}: connectTimeoutMs`);
    for (const [name, limit] of Object.entries(cluster.limits)) this.#number(limit, 0, ANY, `${where}: ${name}`);
    const { balancer } = cluster;
    if (balancer.kind === 'least-request') this.#number(balancer.choices, 1, ANY, `${where}: choices`);
    if (balancer.kind !== 'ring-hash') return;
    this.#engine('hash', `${where} balances by ring hash`);
    this.#number(balancer.maximumRingSize, 1, MAX_RING, `${where}: maximumRingSize`);
    this.#number(balancer.minimumRingSize, 1, balancer.maximumRingSize, `${where}: minimumRingSize`);
  }

  #endpoints(rule: EndpointsRule): void {
    const seen = new Set<string>();
    for (const { address, port, weight, priority } of rule.endpoints) {
      const key = serviceKey(address, port);
      const where = `endpoint ${address}:${port} of ${rule.key}`;
      if (seen.has(key)) this.#problem(`${where} is there twice; its weight says how much it takes`);
      seen.add(key);
      this.#port(port, where);
      this.#number(weight, 1, ANY, `${where}: weight`);
      this.#number(priority, 0, ANY, `${where}: priority`);
    }
  }

  #route(route: RouteRule, index: number): void {
    const where = `route ${index + 1}${route.name === '' ? '' : ` ${JSON.stringify(route.name)}`}`;
    for (const match of route.match) this.#match(match, route.from);
    for (const { cluster, weight } of route.destinations) {
      this.#number(weight, 0, MAX_WEIGHT, `${where}: the weight of ${cluster}`);
    }
    for (const { cluster, perMillion } of route.mirrors) {
      this.#number(perMillion, 0, 1_000_000, `${where}: perMillion of the mirror ${cluster}`);
    }
    this.#policy(route.policy, where);
  }

  #policy(policy: PolicyRule, where: string): void {
    const { timeoutMs, attemptTimeoutMs, retry, circuitBreaker, limits, rateLimit, pacing, fallback, outlier } = policy;
    if (timeoutMs !== undefined) this.#number(timeoutMs, 0, ANY, `${where}: timeoutMs`);
    if (attemptTimeoutMs !== undefined) this.#number(attemptTimeoutMs, 0, ANY, `${where}: attemptTimeoutMs`);
    if (retry !== undefined) {
      this.#number(retry.attempts, 0, 1000, `${where}: retry.attempts`);
      this.#number(retry.backoffBaseMs, 0, ANY, `${where}: retry.backoffBaseMs`);
      this.#number(retry.backoffMaxMs, retry.backoffBaseMs, ANY, `${where}: retry.backoffMaxMs`);
      this.#number(retry.budget.percent, 0, ANY, `${where}: retry.budget.percent`);
      this.#number(retry.budget.minPerSecond, 0, ANY, `${where}: retry.budget.minPerSecond`);
      this.#number(retry.budget.ttlMs, 1, ANY, `${where}: retry.budget.ttlMs`);
    }
    if (circuitBreaker !== undefined) {
      this.#engine('breaker', `${where} asks for a circuit breaker`);
      this.#number(circuitBreaker.errorPercent, 0, 100, `${where}: circuitBreaker.errorPercent`);
      this.#number(circuitBreaker.minimumCalls, 1, ANY, `${where}: circuitBreaker.minimumCalls`);
      this.#number(circuitBreaker.windowMs, 1, ANY, `${where}: circuitBreaker.windowMs`);
      this.#number(circuitBreaker.openMs, 1, ANY, `${where}: circuitBreaker.openMs`);
    }
    for (const [name, limit] of Object.entries(limits ?? {})) this.#number(limit, 0, ANY, `${where}: limits.${name}`);
    if (rateLimit !== undefined) this.#rateLimit(rateLimit, where);
    if (pacing !== undefined) {
      this.#engine('pacing', `${where} asks for pacing`);
      this.#number(pacing.ratePerSecond, 0.001, MAX_PACE, `${where}: pacing.ratePerSecond`);
      this.#number(pacing.maxQueued, 1, ANY, `${where}: pacing.maxQueued`);
    }
    for (const code of fallback?.on ?? []) {
      if ((FALLBACK_CODES as readonly string[]).includes(code)) continue;
      this.#problem(`${where}: fallback.on names '${code}', which is no failure code that a fallback may answer`);
    }
    if (outlier !== undefined) this.#number(outlier.maxEjectionPercent, 0, 100, `${where}: outlier.maxEjectionPercent`);
  }

  #rateLimit({ bucket, conditions }: RateLimitRule, where: string): void {
    if (bucket !== undefined) this.#bucket(bucket, where);
    for (const condition of conditions) {
      this.#bucket(condition.bucket, where);
      for (const match of condition.match) this.#match(match, this.from);
    }
  }

  #bucket({ maxTokens, tokensPerFill, fillIntervalMs }: TokenBucketRule, where: string): void {
    this.#number(maxTokens, 1, ANY, `${where}: maxTokens`);
    this.#number(tokensPerFill, 1, ANY, `${where}: tokensPerFill`);
    this.#number(fillIntervalMs, 1, ANY, `${where}: fillIntervalMs`);
  }

  #port(port: number, where: string): void {
    this.#number(port, 1, 65535, `${where}: port`);
  }

  #number(value: number, least: number, most: number, what: string): void {
    if (value >= least && value <= most) return;
    this.#problem(`${what} is ${value}; it must be ${most === ANY ? `at least ${least}` : `from ${least} to ${most}`}`);
  }

  #engine(name: 'hash' | 'breaker' | 'pacing', why: string): void {
    if (this.engines[name] !== undefined) return;
    this.missing.add(name);
    this.#problem(`${why}, but the engine '${name}' isn't there; give the mesh one`);
  }

  #problem(problem: string): void {
    this.problems.push(new RuleError(problem, this.from));
  }

  #match(match: AttributeMatch, from: Provenance): void {
    try {
      compileMatch(match, this.engines, from);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      if (match.kind === 'regex' && this.engines.regex === undefined) this.missing.add('regex');
      this.problems.push(error);
    }
  }
}

/** Calls a second that may be made to wait for their turn; above it, a rate limit is the means. */
const MAX_PACE = 100;
/** Envoy's largest ring. */
const MAX_RING = 8 * 1024 * 1024;
