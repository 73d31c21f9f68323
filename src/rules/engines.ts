/** Ports of the engines that rules themselves need, whatever policy they speak of. `adapters/engines` implements them. */

/** Linear-time regular expressions: a pattern from a rule never reaches `RegExp`. */
export interface RegexEngine {
  /** @throws if the pattern is no RE2 pattern, or its program is too large. */
  compile(pattern: string): RegexProgram;
}

/** A compiled pattern. */
export interface RegexProgram {
  /** Does the pattern match all of the value, not only a part? */
  matchesWhole(value: string): boolean;
}

/** xxHash64 of the value's UTF-8 bytes, as Envoy's ring hash wants it. */
export interface HashEngine {
  hash(value: string, seed: bigint): bigint;
}

/** What may be missing: a rule that needs an engine which isn't there fails when it is loaded, by name. */
export interface RuleEngines {
  readonly regex?: RegexEngine;
  readonly hash?: HashEngine;
}
