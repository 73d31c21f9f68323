/**
 * What can be known to be wrong with rules when they come, before anything is compiled for calls: patterns, weights,
 * figures out of range, engines that are not there. All problems at once, each with the place where it was written.
 */
import { FALLBACK_CODES } from '../call/index.js';
import {
  type AttributeMatch,
  type ClusterRule,
  type EndpointsRule,
  type FallbackRule,
  foreignClusters,
  type KnownRules,
  type LimitsRule,
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
  /** What is looked at, for people: put into words where something is wrong with it, as mostly nothing is. */
  #where: () => string = () => '';

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
    this.#where = () => `service ${service.key}`;
    this.#port(service.port);
    this.#policy(service.policy);
    if (service.inboundRateLimit !== undefined) this.#rateLimit(service.inboundRateLimit);
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
    this.#where = () => `cluster ${cluster.name}`;
    this.#policy(cluster.policy);
    this.#number(cluster.connectTimeoutMs, 1, ANY, 'connectTimeoutMs');
    this.#limits(cluster.limits, '');
    const { balancer } = cluster;
    if (balancer.kind === 'least-request') this.#number(balancer.choices, 1, ANY, 'choices');
    if (balancer.kind !== 'ring-hash') return;
    this.#engine('hash', 'balances by ring hash');
    this.#number(balancer.maximumRingSize, 1, MAX_RING, 'maximumRingSize');
    this.#number(balancer.minimumRingSize, 1, balancer.maximumRingSize, 'minimumRingSize');
  }

  #endpoints(rule: EndpointsRule): void {
    const seen = new Set<string>();
    for (const { address, port, weight, priority } of rule.endpoints) {
      const key = serviceKey(address, port);
      this.#where = () => `endpoint ${address}:${port} of ${rule.key}`;
      if (seen.has(key)) this.#problem(`${this.#where()} is there twice; its weight says how much it takes`);
      seen.add(key);
      this.#port(port);
      this.#number(weight, 1, ANY, 'weight');
      this.#number(priority, 0, ANY, 'priority');
    }
  }

  #route(route: RouteRule, index: number): void {
    this.#where = () => `route ${index + 1}${route.name === '' ? '' : ` ${JSON.stringify(route.name)}`}`;
    for (const match of route.match) this.#match(match, route.from);
    for (const { cluster, weight } of route.destinations) {
      this.#number(weight, 0, MAX_WEIGHT, 'the weight of ', cluster);
    }
    for (const { cluster, perMillion } of route.mirrors) {
      this.#number(perMillion, 0, 1_000_000, 'perMillion of the mirror ', cluster);
    }
    this.#policy(route.policy);
  }

  #policy(policy: PolicyRule): void {
    const { timeoutMs, attemptTimeoutMs, retry, circuitBreaker, limits, rateLimit, pacing, fallback, outlier } = policy;
    if (timeoutMs !== undefined) this.#number(timeoutMs, 0, ANY, 'timeoutMs');
    if (attemptTimeoutMs !== undefined) this.#number(attemptTimeoutMs, 0, ANY, 'attemptTimeoutMs');
    if (retry !== undefined) {
      this.#number(retry.attempts, 0, 1000, 'retry.attempts');
      this.#number(retry.backoffBaseMs, 0, ANY, 'retry.backoffBaseMs');
      this.#number(retry.backoffMaxMs, retry.backoffBaseMs, ANY, 'retry.backoffMaxMs');
      this.#number(retry.budget.percent, 0, ANY, 'retry.budget.percent');
      this.#number(retry.budget.minPerSecond, 0, ANY, 'retry.budget.minPerSecond');
      this.#number(retry.budget.ttlMs, 1, ANY, 'retry.budget.ttlMs');
    }
    if (circuitBreaker !== undefined) {
      this.#engine('breaker', 'asks for a circuit breaker');
      this.#number(circuitBreaker.errorPercent, 0, 100, 'circuitBreaker.errorPercent');
      this.#number(circuitBreaker.minimumCalls, 1, ANY, 'circuitBreaker.minimumCalls');
      this.#number(circuitBreaker.windowMs, 1, ANY, 'circuitBreaker.windowMs');
      this.#number(circuitBreaker.openMs, 1, ANY, 'circuitBreaker.openMs');
    }
    if (limits !== undefined) this.#limits(limits, 'limits.');
    if (rateLimit !== undefined) this.#rateLimit(rateLimit);
    if (pacing !== undefined) {
      this.#engine('pacing', 'asks for pacing');
      this.#number(pacing.ratePerSecond, 0.001, MAX_PACE, 'pacing.ratePerSecond');
      this.#number(pacing.maxQueued, 1, ANY, 'pacing.maxQueued');
    }
    if (fallback !== undefined) this.#fallback(fallback);
    if (outlier !== undefined) this.#number(outlier.maxEjectionPercent, 0, 100, 'outlier.maxEjectionPercent');
  }

  #fallback({ on }: FallbackRule): void {
    for (const code of on) {
      if ((FALLBACK_CODES as readonly string[]).includes(code)) continue;
      this.#problem(
        `${this.#where()}: fallback.on names '${code}', which is no failure code that a fallback may answer`,
      );
    }
  }

  #limits(limits: Partial<LimitsRule>, of: string): void {
    for (const name in limits) this.#number(limits[name as keyof LimitsRule]!, 0, ANY, of, name);
  }

  #rateLimit({ bucket, conditions }: RateLimitRule): void {
    if (bucket !== undefined) this.#bucket(bucket);
    for (const condition of conditions) {
      this.#bucket(condition.bucket);
      for (const match of condition.match) this.#match(match, this.from);
    }
  }

  #bucket({ maxTokens, tokensPerFill, fillIntervalMs }: TokenBucketRule): void {
    this.#number(maxTokens, 1, ANY, 'maxTokens');
    this.#number(tokensPerFill, 1, ANY, 'tokensPerFill');
    this.#number(fillIntervalMs, 1, ANY, 'fillIntervalMs');
  }

  #port(port: number): void {
    this.#number(port, 1, 65535, 'port');
  }

  /** `what` and `ofWhat` make the field's name, where it has to be said. */
  #number(value: number, least: number, most: number, what: string, ofWhat = ''): void {
    if (value >= least && value <= most) return;
    const wanted = most === ANY ? `at least ${least}` : `from ${least} to ${most}`;
    this.#problem(`${this.#where()}: ${what}${ofWhat} is ${value}; it must be ${wanted}`);
  }

  #engine(name: 'hash' | 'breaker' | 'pacing', why: string): void {
    if (this.engines[name] !== undefined) return;
    this.missing.add(name);
    this.#problem(`${this.#where()} ${why}, but the engine '${name}' isn't there; give the mesh one`);
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
