import type { AttributeMatch } from '../rules/index.js';
import type { CompiledRoute } from './compiled-route.js';
import { type AttributeSource, MAX_REGEX_VALUE } from './matchers.js';

/** Why a route did not match: the first of its conditions that did not hold, regex engines asked last. */
export interface RouteMiss {
  readonly route: CompiledRoute;
  readonly wanted: AttributeMatch;
  /** Undefined: the call has no such attribute. */
  readonly got: string | undefined;
  /** It has more than {@link MAX_REGEX_VALUE} characters, and the condition is a pattern. */
  readonly tooLong: boolean;
}

export interface RouteDecision {
  /** Undefined: no route matches. */
  readonly route: CompiledRoute | undefined;
  /** One for each route before it, or for all. */
  readonly misses: readonly RouteMiss[];
}

export function explainRoutes(routes: readonly CompiledRoute[], source: AttributeSource): RouteDecision {
  const misses: RouteMiss[] = [];
  for (const route of routes) {
    const failed = route.matchers.find((matcher) => !matcher.holds(source.getLower(matcher.key)));
    if (failed === undefined) return { route, misses };
    const got = source.getLower(failed.key);
    misses.push({ route, wanted: failed.rule, got, tooLong: got !== undefined && failed.tooLong(got) });
  }
  return { route: undefined, misses };
}

/** Such as `route 1 "v1": wants method = "sayHello", got "sayHi"`. Routes are counted from 1. */
export function formatMiss({ route, wanted, got, tooLong }: RouteMiss): string {
  const name = route.name === '' ? '' : ` ${quote(route.name)}`;
  return `route ${route.index + 1}${name}: wants ${formatMatch(wanted)}, got ${formatGot(got, tooLong)}`;
}

/** Such as `method = "sayHello"` or `not (method matches /say.+/)`. */
export function formatMatch(match: AttributeMatch): string {
  const text = `${match.key} ${formatCondition(match)}${match.missingAsEmpty ? ' (missing counts as empty)' : ''}`;
  return match.invert ? `not (${text})` : text;
}

function formatCondition(match: AttributeMatch): string {
  switch (match.kind) {
    case 'present':
    case 'absent':
      return match.kind;
    case 'range':
      return `from ${match.start} to below ${match.end}`;
    case 'regex':
      return `matches /${match.value}/ as a whole`;
    default: {
      if (match.kind === 'exact' && match.value === '') return 'present';
      const verb = { exact: '=', prefix: 'begins with', suffix: 'ends with', contains: 'contains' }[match.kind];
      return `${verb} ${quote(match.value)}${match.ignoreCase ? ' in any case' : ''}`;
    }
  }
}

function formatGot(got: string | undefined, tooLong: boolean): string {
  if (got === undefined) return 'no such attribute';
  return tooLong ? `${got.length} characters; a pattern is tried on ${MAX_REGEX_VALUE} at most` : quote(got);
}

/** Longer values are cut: a line is for people. */
function quote(text: string): string {
  return text.length <= 200
    ? JSON.stringify(text)
    : `${JSON.stringify(text.slice(0, 200))}… (${text.length} characters)`;
}
