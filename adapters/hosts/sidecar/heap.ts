/**
 * How far the heap of a sidecar may grow between two full collections. Bytes of sockets lie outside of V8's heap, but count
 * for its limit, which after each collection is a little over what lives then: 14 MB here, of little else than code. A
 * collection of the young frees 32 MB of such bytes in under a millisecond, but is not due before they are there; where the limit
 * is reached first, each 30 MB of messages cost a full collection of some 20 ms. It went one way or the other by chance, with
 * messages of 120 KB: half of all CPU, and a p99 of 20 ms where it is 2.5 (`npm run bench:peer`).
 *
 * An app's heap is large enough not to come there, and its flags are its own business.
 */
import { setFlagsFromString } from 'node:v8';

/** To the fivefold; V8 itself chooses up to the fourfold, less for heaps as small as this. Node 20 to 26 have the flag. */
const GROWING_PERCENT = 400;

/** For the whole process, which must be ours. */
export function giveHeapRoom(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`);
}
