import type { Work } from '../runtime/index.js';
import { sameContent } from './content.js';
import type { EndpointRule, RouteRule, ServiceRule } from './model.js';

/** Comparisons between two yields: some tens of µs. */
const STEP = 64;

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
 * object; only the middle is looked up. So one changed endpoint of 20,000 costs one. An address that is said more than once,
 * as overlapping EndpointSlices do, counts once.
 */
export function* diffEndpoints(before: readonly EndpointRule[], after: readonly EndpointRule[]): Work<EndpointsDiff> {
  if (before.length === 0) return { ...NO_DIFFERENCE, added: yield* firsts(after) };
  if (after.length === 0) return { ...NO_DIFFERENCE, removed: yield* firsts(before) };
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
    if (start % STEP === 0) yield;
  }
  while (beforeEnd > start && afterEnd > start && sameAddress(before[beforeEnd - 1]!, after[afterEnd - 1]!)) {
    compare(before[--beforeEnd]!, after[--afterEnd]!);
    if (afterEnd % STEP === 0) yield;
  }
  const port = before[start]?.port;
  const old = new Map<string, EndpointRule>();
  // From the back, so that the first of an address stays.
  for (let i = beforeEnd - 1; i >= start; i--) {
    old.set(keyOf(before[i]!, port), before[i]!);
    if (i % STEP === 0) yield;
  }
  const fresh = new Map<string, EndpointRule>();
  for (let i = afterEnd - 1; i >= start; i--) {
    fresh.set(keyOf(after[i]!, port), after[i]!);
    if (i % STEP === 0) yield;
  }
  // What also stands where both go along neither came nor went.
  for (let i = 0; i < after.length && old.size + fresh.size > 0; i++) {
    if (i >= start && i < afterEnd) continue;
    const key = keyOf(after[i]!, port);
    old.delete(key);
    fresh.delete(key);
    if (i % STEP === 0) yield;
  }
  let steps = 0;
  for (const [key, endpoint] of fresh) {
    const was = old.get(key);
    if (was === undefined) {
      added.push(endpoint);
    } else {
      old.delete(key);
      compare(was, endpoint);
    }
    if (++steps % STEP === 0) yield;
  }
  return { added, removed: [...old.values()], changedFrom, changedTo };
}

const NO_ENDPOINTS: readonly EndpointRule[] = [];
const NO_DIFFERENCE: EndpointsDiff = {
  added: NO_ENDPOINTS,
  removed: NO_ENDPOINTS,
  changedFrom: NO_ENDPOINTS,
  changedTo: NO_ENDPOINTS,
};

/** Each address once: mostly the list itself. */
function* firsts(endpoints: readonly EndpointRule[]): Work<readonly EndpointRule[]> {
  const port = endpoints[0]?.port;
  const seen = new Set<string>();
  let once: EndpointRule[] | undefined;
  for (let i = 0; i < endpoints.length; i++) {
    const endpoint = endpoints[i]!;
    const isNew = seen.size < seen.add(keyOf(endpoint, port)).size;
    if (isNew) once?.push(endpoint);
    else once ??= endpoints.slice(0, i);
    if (i % STEP === STEP - 1) yield;
  }
  return once ?? endpoints;
}

/**
 * Mostly all have one port, and an address that need not be put together is quicker found.
 * @param port - that most have
 */
function keyOf({ address, port: own }: EndpointRule, port: number | undefined): string {
  return own === port ? address : `${address}\n${own}`;
}

function sameAddress(a: EndpointRule, b: EndpointRule): boolean {
  return a === b || (a.port === b.port && a.address === b.address);
}

/** What of a service is another content. */
export interface ServiceDiff {
  /** Something beside its routes. */
  readonly head: boolean;
  /** Places of the longer table at which there is another route, or one in only one of the two. */
  readonly routes: readonly number[];
}

/** Route by route, so that one changed route of 10,000 is hashed alone. */
export function* diffServices(before: ServiceRule, after: ServiceRule): Work<ServiceDiff> {
  const places: number[] = [];
  const length = Math.max(before.routes.length, after.routes.length);
  for (let i = 0; i < length; i++) {
    if (!sameContent(before.routes[i], after.routes[i])) places.push(i);
    if (i % STEP === STEP - 1) yield;
  }
  return { head: !sameContent(headOf(before), headOf(after)), routes: places };
}

const NO_ROUTES: readonly RouteRule[] = [];

/** The service without its routes. */
export function headOf(service: ServiceRule): ServiceRule {
  return { ...service, routes: NO_ROUTES };
}
