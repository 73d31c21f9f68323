/**
 * Whose request it is, for an address that several services share. First the host that Dubbo2Istio gives a service:
 * lower-case of `interface[-group][-version]`, the version's dots as dashes, no version being `0.0.0` or empty; it tells
 * groups and versions of one interface apart. Then the interface, which such a service's ServiceEntry has as its annotation
 * `interface`. Registries with a group or namespace of their own append those to the host; a request does not tell them.
 */
import type { Message } from '../../../src/message/index.js';
import { formatOf, NO_VERSION } from './reader.js';

/** Keys by interface, for requests without group and version, which most are; else by the host, not yet lower-cased. */
const known = new Map<string, readonly string[]>();
/** Begun anew when full, so that names which nobody serves don't pile up. */
const MAX_KNOWN = 4096;
const NONE: readonly string[] = Object.freeze([]);

/** The same array for the same service. Asks the message's own reader: a made-up one, to explain, has no bytes. */
export function serviceKeys(request: Message): readonly string[] {
  const path = request.getLower('interface');
  if (path === undefined) return NONE;
  const version = request.getLower('version') ?? NO_VERSION;
  // Attachments are only walked to if these letters stand somewhere in the frame.
  const mayHaveGroup = request.bytes.length !== 1 || formatOf(request)!.mayHold(request.bytes[0]!, 'group');
  const group = mayHaveGroup ? request.getLower('group') : undefined;
  let name = path;
  if (group) name += `-${group}`;
  if (version !== NO_VERSION) name += `-${version.replaceAll('.', '-')}`;
  const keys = known.get(name);
  return keys !== undefined && keys[1] === path ? keys : learn(name, path);
}

function learn(name: string, path: string): readonly string[] {
  if (known.size >= MAX_KNOWN) known.clear();
  const keys = Object.freeze([name.toLowerCase(), path]);
  known.set(name, keys);
  return keys;
}
