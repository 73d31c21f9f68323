/**
 * Whose request it is, for an address that several services share. First the host that Dubbo2Istio gives a service:
 * lower-case of `interface[-group][-version]`, the version's dots as dashes, no version being `0.0.0` or empty; it tells
 * groups and versions of one interface apart. Then the interface, which such a service's ServiceEntry has as its annotation
 * `interface`. Registries with a group or namespace of their own append those to the host; a request does not tell them.
 */
import type { Message } from '../../../src/message/index.js';
import { dubboReader, NO_VERSION } from './reader.js';

/** Keys by interface, for requests without group and version, which most are. Bounded: it is begun anew when full. */
const plain = new Map<string, readonly string[]>();
const MAX_PLAIN = 4096;
const NONE: readonly string[] = Object.freeze([]);
const GROUP = Buffer.from('group');

export function serviceKeys(request: Message): readonly string[] {
  const path = dubboReader.get(request, 'interface');
  if (path === undefined) return NONE;
  const version = dubboReader.get(request, 'version');
  // Attachments are only walked to if these letters stand somewhere in the frame.
  const mayHaveGroup = request.bytes.length > 1 || request.bytes[0]!.includes(GROUP);
  const group = mayHaveGroup ? dubboReader.get(request, 'group') : undefined;
  if (!group && version === NO_VERSION) {
    const known = plain.get(path);
    if (known !== undefined) return known;
    if (plain.size >= MAX_PLAIN) plain.clear();
    const keys = Object.freeze([path.toLowerCase(), path]);
    plain.set(path, keys);
    return keys;
  }
  let host = path;
  if (group) host += `-${group}`;
  if (version !== NO_VERSION) host += `-${version!.replaceAll('.', '-')}`;
  return [host.toLowerCase(), path];
}
