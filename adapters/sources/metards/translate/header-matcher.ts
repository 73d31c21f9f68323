/**
 * Envoy's HeaderMatcher as a condition on an attribute: the deprecated kinds, which Aeraki sends, and `string_match`, which
 * replaced them. They differ in one thing: `exact_match: ""` holds for any value that is there, while a StringMatcher's
 * empty `exact` wants the empty value, which the model writes as a pattern. A matcher without a kind asks for presence.
 */

import type { AttributeMatch } from '../../../../src/rules/index.js';
import { type HeaderMatcher, HeaderMatcherSchema } from '../generated/envoy/config/route/v3/route_components_pb.js';
import {
  type RegexMatcher,
  RegexMatcher_GoogleRE2Schema,
  RegexMatcherSchema,
} from '../generated/envoy/type/matcher/v3/regex_pb.js';
import { type StringMatcher, StringMatcherSchema } from '../generated/envoy/type/matcher/v3/string_pb.js';
import { Int64RangeSchema } from '../generated/envoy/type/v3/range_pb.js';
import type { Problems } from './problems.js';
import { Unread } from './unread.js';

const MATCHER = new Unread(HeaderMatcherSchema, [
  'name',
  'exact_match',
  'safe_regex_match',
  'range_match',
  'present_match',
  'prefix_match',
  'suffix_match',
  'contains_match',
  'string_match',
  'invert_match',
  'treat_missing_header_as_empty',
]);
const STRING = new Unread(StringMatcherSchema, ['exact', 'prefix', 'suffix', 'contains', 'safe_regex', 'ignore_case']);
// RE2 is the only engine there is, here as there; how large a program may get is this mesh's own bound.
const REGEX = new Unread(RegexMatcherSchema, ['regex'], ['google_re2']);
const RE2 = new Unread(RegexMatcher_GoogleRE2Schema, [], ['max_program_size']);
const RANGE = new Unread(Int64RangeSchema, ['start', 'end']);

type Condition = AttributeMatch extends infer Match
  ? Match extends AttributeMatch
    ? Omit<Match, 'key' | 'invert' | 'missingAsEmpty'>
    : never
  : never;

/** @returns undefined if there are problems. */
export function attributeMatch(matcher: HeaderMatcher, problems: Problems): AttributeMatch | undefined {
  MATCHER.check(matcher, problems);
  if (matcher.name === '') problems.add('name', 'is empty');
  const condition = conditionOf(matcher, problems);
  if (condition === undefined) return undefined;
  return {
    key: matcher.name,
    ...condition,
    ...(matcher.invertMatch && { invert: true }),
    ...(matcher.treatMissingHeaderAsEmpty && { missingAsEmpty: true }),
  };
}

function conditionOf(matcher: HeaderMatcher, problems: Problems): Condition | undefined {
  const { headerMatchSpecifier: kind } = matcher;
  switch (kind.case) {
    case undefined:
      return { kind: 'present' };
    case 'presentMatch':
      return { kind: kind.value ? 'present' : 'absent' };
    case 'exactMatch':
      return { kind: 'exact', value: kind.value };
    case 'prefixMatch':
      return { kind: 'prefix', value: kind.value };
    case 'suffixMatch':
      return { kind: 'suffix', value: kind.value };
    case 'containsMatch':
      return { kind: 'contains', value: kind.value };
    case 'safeRegexMatch':
      return regex(kind.value, 'safe_regex_match', problems);
    case 'rangeMatch':
      problems.enter('range_match');
      RANGE.check(kind.value, problems);
      problems.leave();
      return { kind: 'range', start: kind.value.start, end: kind.value.end };
    case 'stringMatch':
      return text(kind.value, problems);
  }
}

function text(matcher: StringMatcher, problems: Problems): Condition | undefined {
  problems.enter('string_match');
  STRING.check(matcher, problems);
  const condition = patternOf(matcher, problems);
  problems.leave();
  return condition;
}

function patternOf({ matchPattern: pattern, ignoreCase }: StringMatcher, problems: Problems): Condition | undefined {
  switch (pattern.case) {
    case 'exact':
      if (pattern.value === '') return { kind: 'regex', value: '' };
      return { kind: 'exact', value: pattern.value, ...(ignoreCase && { ignoreCase }) };
    case 'prefix':
    case 'suffix':
    case 'contains':
      return { kind: pattern.case, value: pattern.value, ...(ignoreCase && { ignoreCase }) };
    case 'safeRegex':
      // Envoy: ignore_case has no effect on it.
      return regex(pattern.value, 'safe_regex', problems);
    default:
      if (pattern.case === undefined) problems.add('', 'has no pattern');
      return undefined;
  }
}

function regex(matcher: RegexMatcher, field: string, problems: Problems): Condition {
  problems.enter(field);
  REGEX.check(matcher, problems);
  if (matcher.engineType.case === 'googleRe2') {
    problems.enter('google_re2');
    RE2.check(matcher.engineType.value, problems);
    problems.leave();
  }
  problems.leave();
  return { kind: 'regex', value: matcher.regex };
}
