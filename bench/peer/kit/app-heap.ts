/**
 * What an app holds beside its calls: 40 MB of small objects in each client and server, in all legs alike. A process without,
 * of 6 MB or with a mesh 14, is collected as no service is: whether 120 KB of socket bytes are freed by half a millisecond's
 * collection of the young or by a full one of 20 ms is then chance (`adapters/hosts/sidecar/heap.ts` has why).
 */
const OBJECTS = 320_000;

let held: readonly object[] = [];

/** @returns how many objects it holds from now on */
export function holdAppHeap(): number {
  held = Array.from({ length: OBJECTS }, (_, id) => ({ id, name: `order ${id}`, of: { customer: id } }));
  return held.length;
}
