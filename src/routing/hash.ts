/**
 * The hash that ring-hash balancing goes by: xxHash64 over the values of the route's hash keys, sorted by their bytes
 * (so the order of keys does not matter), chained: the first with seed 0, each result being the next one's seed. A
 * missing attribute is the value "". As MetaProtocol means it and Envoy publishes vectors for; repeated keys count twice.
 */
import type { HashEngine } from '../rules/index.js';
import type { AttributeSource } from './matchers.js';
import { compareBytes } from './text.js';

/** @param keys - lower-cased. @returns undefined only if there are no keys: then the balancer does without. */
export function hashOf(source: AttributeSource, keys: readonly string[], engine: HashEngine): bigint | undefined {
  if (keys.length === 0) return undefined;
  if (keys.length === 1) return engine.hash(source.getLower(keys[0]!) ?? '', 0n);
  const values: string[] = [];
  for (let i = 0; i < keys.length; i++) values.push(source.getLower(keys[i]!) ?? '');
  values.sort(compareBytes);
  let hash = 0n;
  for (let i = 0; i < values.length; i++) hash = engine.hash(values[i]!, hash);
  return hash;
}
