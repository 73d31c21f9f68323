import { sameContent } from './content.js';
import { type EndpointRule, serviceKey } from './model.js';

/** Endpoints that came, went, and stayed with other labels, weight or the like. */
export interface EndpointsDiff {
  readonly added: readonly EndpointRule[];
  readonly removed: readonly EndpointRule[];
  /** Same address and port: as they were, and at the same places of {@link changedTo} as they are. */
  readonly changedFrom: readonly EndpointRule[];
  readonly changedTo: readonly EndpointRule[];
}

/**
 * Compares endpoints by address and port, in no particular order: control planes shuffle them. Where both lists go along
 * with each other, from the front and from the back, an endpoint costs a comparison, and none if the source kept the
 * object; only the middle is looked up. So one changed endpoint of 20,000 costs one.
 */
export function diffEndpoints(before: readonly EndpointRule[], after: readonly EndpointRule[]): EndpointsDiff {
  const added: EndpointRule[] = [];
  const changedFrom: EndpointRule[] = [];
  const changedTo: EndpointRule[] = [];
  const compare = (a: EndpointRule, b: EndpointRule) => {
    if (sameContent(a, b)) return;
    changedFrom.push(a);
    changedTo.push(b);
  };
  let start = 0;
  let beforeEnd = before.length;
  let afterEnd = after.length;
  for (; start < beforeEnd && start < afterEnd && sameAddress(before[start]!, after[start]!); start++) {
    compare(before[start]!, after[start]!);
  }
  while (beforeEnd > start && afterEnd > start && sameAddress(before[beforeEnd - 1]!, after[afterEnd - 1]!)) {
    compare(before[--beforeEnd]!, after[--afterEnd]!);
  }
  const old = new Map<string, EndpointRule>();
  for (let i = start; i < beforeEnd; i++) old.set(serviceKey(before[i]!.address, before[i]!.port), before[i]!);
  for (let i = start; i < afterEnd; i++) {
    const endpoint = after[i]!;
    const key = serviceKey(endpoint.address, endpoint.port);
    const was = old.get(key);
    if (was === undefined) {
      added.push(endpoint);
    } else {
      old.delete(key);
      compare(was, endpoint);
    }
  }
  return { added, removed: [...old.values()], changedFrom, changedTo };
}

function sameAddress(a: EndpointRule, b: EndpointRule): boolean {
  return a === b || (a.port === b.port && a.address === b.address);
}
