/**
 * Names what a message holds and its translation does not read. A control plane newer than this code may send fields
 * that decide where calls go; to pass over them would be to route otherwise than it says. So a message lists which of its
 * fields are read, and which change nothing for calls that a mesh of messages makes; any other that is set is a problem.
 *
 * Fields that the generated code does not know are kept by protobuf-es, and named by their number.
 */
import { type DescField, type DescMessage, isFieldSet, type MessageShape } from '@bufbuild/protobuf';
import type { Problems } from './problems.js';

/** The fields of a message that must not be set. */
export class Unread<Desc extends DescMessage> {
  readonly #fields: readonly DescField[];

  /**
   * @param read - names of fields that the translation looks at
   * @param harmless - names of fields that it may pass over
   * @throws Error - the message has no field of such a name
   */
  constructor(desc: Desc, read: readonly string[], harmless: readonly string[] = []) {
    const known = new Set([...read, ...harmless]);
    this.#fields = desc.fields.filter(({ name }) => !known.delete(name));
    if (known.size > 0) throw new Error(`${desc.typeName} has no field ${[...known].join(', ')}`);
  }

  check(message: MessageShape<Desc>, problems: Problems): void {
    for (const field of this.#fields) {
      if (isFieldSet(message, field)) problems.add(field.name, WHY.get(field.name) ?? OTHERWISE);
    }
    for (const { no } of message.$unknown ?? []) {
      problems.add('', `field ${no} is none that this version of Meltemi knows`);
    }
  }
}

const OTHERWISE = 'is not supported, and without it the route would be another';

const ONLY_ROUTE = 'is not supported: a route of messages can only lead to clusters';
const NO_PATH = 'is not supported: a message has attributes and no path; match on its headers';
const NO_HOST = 'is not supported: a message has no host that could be rewritten';
const TRAFFIC_POLICY = 'is not supported here; say it in a TrafficPolicy';
const SET_ONLY = 'is not supported: attributes can be set, not removed';
const NAMED_CLUSTER = 'is not supported: a cluster is given by its name';

const WHY: ReadonlyMap<string, string> = new Map([
  ...['redirect', 'direct_response', 'filter_action', 'non_forwarding_action'].map(
    (name) => [name, ONLY_ROUTE] as const,
  ),
  ...['path', 'safe_regex', 'connect_matcher', 'path_separated_prefix', 'path_match_policy', 'query_parameters'].map(
    (name) => [name, NO_PATH] as const,
  ),
  ...['prefix_rewrite', 'regex_rewrite', 'path_rewrite_policy'].map((name) => [name, NO_PATH] as const),
  ...['host_rewrite_literal', 'auto_host_rewrite', 'host_rewrite_header', 'host_rewrite_path_regex'].map(
    (name) => [name, NO_HOST] as const,
  ),
  ...['timeout', 'idle_timeout', 'retry_policy', 'hedge_policy', 'max_stream_duration', 'rate_limits'].map(
    (name) => [name, TRAFFIC_POLICY] as const,
  ),
  ...['request_headers_to_remove', 'response_headers_to_remove'].map((name) => [name, SET_ONLY] as const),
  ...['cluster_header', 'cluster_specifier_plugin', 'inline_cluster_specifier_plugin'].map(
    (name) => [name, NAMED_CLUSTER] as const,
  ),
]);
