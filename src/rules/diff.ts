import { sameContent } from './content.js';
import { type EndpointRule, serviceKey } from './model.js';

/** Endpoints that came and went. One whose labels, weight or the like changed did both. */
export interface EndpointsDiff {
  readonly added: readonly EndpointRule[];
  readonly removed: readonly EndpointRule[];
}

/**
 * Compares endpoints by address and port, in no particular order: control planes shuffle them. What both lists have at
 * the front and the back costs a comparison each, and none where the source kept the object; only the middle is looked
 * up, so one changed endpoint of 20,000 costs one.
 */
export function diffEndpoints(before: readonly EndpointRule[], after: readonly EndpointRule[]): EndpointsDiff {
  let start = 0;
  let beforeEnd = before.length;
  let afterEnd = after.length;
  while (start < beforeEnd && start < afterEnd && sameContent(before[start], after[start])) start++;
  while (beforeEnd > start && afterEnd > start && sameContent(before[beforeEnd - 1], after[afterEnd - 1])) {
    beforeEnd--;
    afterEnd--;
  }
  const old = new Map<string, EndpointRule>();
  for (let i = start; i < beforeEnd; i++) old.set(serviceKey(before[i]!.address, before[i]!.port), before[i]!);
  const added: EndpointRule[] = [];
  for (let i = start; i < afterEnd; i++) {
    const endpoint = after[i]!;
    const key = serviceKey(endpoint.address, endpoint.port);
    if (sameContent(old.get(key), endpoint)) old.delete(key);
    else added.push(endpoint);
  }
  return { added, removed: [...old.values()] };
}
