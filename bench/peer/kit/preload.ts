import type { Mesh } from '../../../src/index.js';
import { PROTOCOLS } from './exchanges.js';
import { type NodeOptions, REGISTER } from './processes.js';

/** How a program is started that knows nothing of a mesh and has one all the same. */
export function preloaded(rules: string): NodeOptions {
  return {
    node: ['--import', REGISTER],
    env: {
      MELTEMI_RULES: rules,
      MELTEMI_PROTOCOLS: PROTOCOLS.join(),
      MELTEMI_NODE_ADDRESSES: '127.0.0.1',
      MELTEMI_CONTROL: 'off',
      MELTEMI_LOG: 'error',
      MELTEMI_STRICT: '1',
      BENCH_REGISTER: REGISTER,
    },
  };
}

/** The mesh that this process was preloaded with. */
export async function preloadedMesh(): Promise<Mesh | undefined> {
  const { BENCH_REGISTER } = process.env;
  if (BENCH_REGISTER === undefined) return undefined;
  const { mesh } = (await import(BENCH_REGISTER)) as { mesh: Mesh | undefined };
  return mesh;
}

/** Calls that a mesh has counted: a leg that says it is governed must be. */
export function countedBy(mesh: Mesh): number {
  const total = mesh.metrics().find((it) => it.name === 'requests_total');
  return total?.samples.reduce((sum, { value }) => sum + (value as number), 0) ?? 0;
}
