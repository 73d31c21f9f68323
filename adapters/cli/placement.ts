import type { PlacementStatus } from '../../src/index.js';

/** Where calls go, and why, in a line. */
export function placementInWords({ placement, sidecar, why }: PlacementStatus): string {
  return `${placement}${sidecar === undefined ? '' : ` at ${sidecar}`}, since ${why}`;
}
