/**
 * Conditions on attributes, compiled. Envoy's HeaderMatcher as MetaProtocol uses it: keys lower-cased, values
 * case-sensitive unless `ignoreCase` (A to Z only), and these edges:
 *
 * - `exact: ""` matches any value, as long as the key is there.
 * - A missing key fails every kind, also an inverted one. Only `absent`, and an inverted `present`, want it missing.
 * - With `missingAsEmpty` a missing key is the value "".
 * - A regex is RE2's and must match the whole value. One that is a plain literal with `.*` around needs no engine.
 * - A value longer than {@link MAX_REGEX_VALUE} is never handed to an engine: it fails, also when inverted.
 */
import { internalized } from '../message/index.js';
import { type AttributeMatch, type RegexEngine, RuleError } from '../rules/index.js';
import type { Provenance } from '../rules/model.js';
import { regexShape } from './regex-shape.js';
import { equalsAt, includesIgnoringCase, parseInt64 } from './text.js';

/** Whatever has attributes: a call, a message, the arguments of a command. */
export interface AttributeSource {
  /** @param key - lower-cased already. */
  getLower(key: string): string | undefined;
}

/**
 * Characters of a value that a regex engine is given, at most. A linear-time engine still takes up to 50 µs a character
 * on the worst patterns, and the value is the peer's.
 */
export const MAX_REGEX_VALUE = 4096;

/** One condition. One class with the kind as a function, so that callers stay monomorphic. */
export class AttributeMatcher {
  /** Lower-cased. */
  readonly key: string;
  /** The value it takes to hold, if there is but one: what a table can be indexed by. Never "". */
  readonly onlyValue: string | undefined;
  /** Does it run a regex engine? Such are asked last. */
  readonly dear: boolean;
  readonly #test: (value: string) => boolean;
  readonly #inverted: boolean;
  readonly #whenMissing: boolean;
  readonly #longest: number;

  constructor(
    readonly rule: AttributeMatch,
    test: Test,
  ) {
    this.key = rule.key.toLowerCase();
    this.onlyValue = rule.invert || test.onlyValue === '' ? undefined : test.onlyValue;
    this.dear = test.dear === true;
    this.#test = test.holds;
    this.#inverted = rule.invert === true;
    this.#longest = this.dear ? MAX_REGEX_VALUE : Number.POSITIVE_INFINITY;
    this.#whenMissing = rule.missingAsEmpty
      ? test.holds('') !== this.#inverted
      : rule.kind === (rule.invert ? 'present' : 'absent');
  }

  /** @param value - undefined: the attribute is missing. */
  holds(value: string | undefined): boolean {
    if (value === undefined) return this.#whenMissing;
    if (this.tooLong(value)) return false;
    return this.#test(value) !== this.#inverted;
  }

  /** Is the value more than an engine is given? */
  tooLong(value: string): boolean {
    return value.length > this.#longest;
  }
}

interface Test {
  readonly holds: (value: string) => boolean;
  readonly onlyValue?: string;
  readonly dear?: true;
}

/**
 * @param from - where the condition is written, for the error
 * @throws {@link RuleError} - it is a regex that is none, is too large, or needs an engine that isn't there
 */
export function compileMatch(
  rule: AttributeMatch,
  engines: { readonly regex?: RegexEngine },
  from: Provenance,
): AttributeMatcher {
  return new AttributeMatcher(rule, testOf(rule, engines.regex, from));
}

/** All conditions of a rule, engines last; they hold together or not at all. @throws {@link RuleError} */
export function compileMatches(
  rules: readonly AttributeMatch[],
  engines: { readonly regex?: RegexEngine },
  from: Provenance,
): readonly AttributeMatcher[] {
  const matchers = rules.map((rule) => compileMatch(rule, engines, from));
  return matchers.sort((a, b) => Number(a.dear) - Number(b.dear));
}

/** Do all hold? None: yes. */
export function allHold(matchers: readonly AttributeMatcher[], source: AttributeSource): boolean {
  for (let i = 0; i < matchers.length; i++) {
    const matcher = matchers[i]!;
    if (!matcher.holds(source.getLower(matcher.key))) return false;
  }
  return true;
}

function testOf(rule: AttributeMatch, regex: RegexEngine | undefined, from: Provenance): Test {
  switch (rule.kind) {
    case 'present':
      return { holds: () => true };
    case 'absent':
      return { holds: () => false };
    case 'range': {
      const { start, end } = rule;
      return {
        holds: (value) => {
          const number = parseInt64(value);
          return number !== undefined && number >= start && number < end;
        },
      };
    }
    case 'regex':
      return regexTest(rule.key, rule.value, regex, from);
    default:
      return rule.ignoreCase ? { holds: ignoringCase(rule.kind, rule.value) } : textTest(rule.kind, rule.value);
  }
}

type TextKind = 'exact' | 'prefix' | 'suffix' | 'contains';

function textTest(kind: TextKind, wanted: string): Test {
  switch (kind) {
    case 'exact':
      return wanted === '' ? { holds: () => true } : valueTest(wanted);
    case 'prefix':
      return { holds: (value) => value.startsWith(wanted) };
    case 'suffix':
      return { holds: (value) => value.endsWith(wanted) };
    case 'contains':
      return { holds: (value) => value.includes(wanted) };
  }
}

function valueTest(text: string): Test {
  const wanted = internalized(text);
  return { holds: (value) => value === wanted, onlyValue: wanted };
}

function ignoringCase(kind: TextKind, wanted: string): Test['holds'] {
  switch (kind) {
    case 'exact':
      if (wanted === '') return () => true;
      return (value) => value.length === wanted.length && equalsAt(value, 0, wanted);
    case 'prefix':
      return (value) => equalsAt(value, 0, wanted);
    case 'suffix':
      return (value) => equalsAt(value, value.length - wanted.length, wanted);
    case 'contains':
      return (value) => includesIgnoringCase(value, wanted);
  }
}

function regexTest(key: string, pattern: string, regex: RegexEngine | undefined, from: Provenance): Test {
  const shape = regexShape(pattern);
  switch (shape?.kind) {
    case 'exact':
      return valueTest(shape.value);
    case 'contains':
      return { holds: (value) => value.includes(shape.value) && !value.includes('\n') };
    case 'affix': {
      const { prefix, suffix } = shape;
      const shortest = prefix.length + suffix.length + shape.between;
      return {
        holds: (value) =>
          value.length >= shortest && value.startsWith(prefix) && value.endsWith(suffix) && !value.includes('\n'),
      };
    }
  }
  if (regex === undefined) {
    throw new RuleError(
      `attribute ${key}: the pattern ${JSON.stringify(pattern)} needs the engine 'regex', which isn't there; ` +
        `give the mesh one (meltemi/engines/re2), or write it with exact, prefix, suffix or contains`,
      from,
    );
  }
  try {
    const program = regex.compile(pattern);
    return { holds: (value) => program.matchesWhole(value), dear: true };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RuleError(`attribute ${key}: ${JSON.stringify(pattern)} cannot be used as an RE2 pattern: ${why}`, from);
  }
}
