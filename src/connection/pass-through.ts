import type { Duplex } from 'node:stream';

/**
 * Joins two streams, byte for byte: for destinations that are none of the mesh's. Each holds the other back, an end of
 * one direction closes that direction only, and one that is destroyed takes the other with it.
 */
export function passThrough(one: Duplex, other: Duplex): void {
  one.pipe(other);
  other.pipe(one);
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => to.destroy());
    from.once('close', () => {
      if (!from.readableEnded || !to.readableEnded) to.destroy();
    });
  }
}
