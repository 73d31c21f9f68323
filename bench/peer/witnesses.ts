import type { Program } from './kit/processes.js';
import type { LegFigures, Runner } from './measure.js';

/** Holds what our meshes have counted against the calls that were made: a leg that is not governed would be fast. */
export class Witnesses {
  readonly #calls = new Map<Program, number>();

  saw(runners: readonly Runner[], figures: readonly LegFigures[]): void {
    for (const [i, { leg, client }] of runners.entries()) {
      for (const program of [client, leg.witness]) {
        if (program !== undefined) this.#calls.set(program, (this.#calls.get(program) ?? 0) + figures[i]!.calls);
      }
    }
  }

  /** @throws Error - a mesh has counted fewer calls than went through it */
  async check(runners: readonly Runner[]): Promise<void> {
    for (const { leg, client } of runners) {
      for (const program of [client, leg.witness]) {
        if (program === undefined) continue;
        // A client without a mesh counts nothing.
        const counted = await program.ask<number | undefined>({ type: 'counted' });
        const made = this.#calls.get(program) ?? 0;
        if (counted !== undefined && counted < made)
          throw new Error(`${leg.name}: ${made} calls were made, and its mesh has counted ${counted}`);
      }
    }
  }
}
