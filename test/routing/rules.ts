import type { AttributeSource } from '../../src/routing/index.js';
import type { AttributeMatch, RouteRule } from '../../src/rules/index.js';

export const FROM = { source: 'test', origin: 'test.yaml:1' };

export function route(name: string, match: readonly AttributeMatch[], more: Partial<RouteRule> = {}): RouteRule {
  return {
    name,
    match,
    destinations: [{ cluster: `outbound|1||${name}`, weight: 100 }],
    mirrors: [],
    hashKeys: [],
    requestMutation: [],
    responseMutation: [],
    policy: {},
    from: FROM,
    ...more,
  };
}

/** Attributes by their keys in any case. */
export function attributes(values: Readonly<Record<string, string>>): AttributeSource {
  const map = new Map(Object.entries(values).map(([key, value]) => [key.toLowerCase(), value]));
  return { getLower: (key) => map.get(key) };
}
