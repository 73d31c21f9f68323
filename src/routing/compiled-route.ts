/**
 * A route ready for calls. Weighted destinations own half-open intervals of [0, sum of weights) in their order, and a
 * draw falls into one. The sum is taken from the entries, never from what a control plane says it is. A single
 * destination takes everything, whatever its weight.
 */
import { Mutation } from '../message/index.js';
import { type RouteRule, type RuleEngines, RuleError } from '../rules/index.js';
import { type AttributeMatcher, compileMatches } from './matchers.js';

/** Weights are unsigned 32-bit numbers to control planes. */
export const MAX_WEIGHT = 0xffffffff;

export class CompiledRoute {
  /** As the rules name it; may be empty, and need not be unique. */
  readonly name: string;
  /** All must hold; engines last. */
  readonly matchers: readonly AttributeMatcher[];
  /** Lower-cased, repeated as in the rules. */
  readonly hashKeys: readonly string[];
  /** The last entry for a key wins. Undefined if there is nothing to change. */
  readonly requestMutation: Mutation | undefined;
  readonly responseMutation: Mutation | undefined;
  /** Where the interval of each destination ends. */
  readonly #ends: Float64Array;
  readonly #total: number;

  /** @throws {@link RuleError} */
  constructor(
    /** Its place in the table, from 0. */
    readonly index: number,
    readonly rule: RouteRule,
    engines: RuleEngines,
  ) {
    this.name = rule.name;
    this.matchers = compileMatches(rule.match, engines, rule.from);
    this.hashKeys = rule.hashKeys.map((key) => key.toLowerCase());
    this.requestMutation = rule.requestMutation.length > 0 ? Mutation.of(rule.requestMutation) : undefined;
    this.responseMutation = rule.responseMutation.length > 0 ? Mutation.of(rule.responseMutation) : undefined;
    let total = 0;
    this.#ends = Float64Array.from(rule.destinations, ({ cluster, weight }) => {
      if (!(weight >= 0 && weight <= MAX_WEIGHT)) {
        throw new RuleError(`the weight of ${cluster} is ${weight}; it must be from 0 to ${MAX_WEIGHT}`, rule.from);
      }
      total += weight;
      return total;
    });
    this.#total = total;
  }

  /**
   * Which of the rule's destinations the draw falls on; -1: the route leads nowhere.
   * @param draw - in [0, 1)
   */
  pickDestination(draw: number): number {
    const ends = this.#ends;
    if (ends.length === 1) return 0;
    const point = draw * this.#total;
    for (let i = 0; i < ends.length; i++) {
      if (point < ends[i]!) return i;
    }
    return -1;
  }
}
