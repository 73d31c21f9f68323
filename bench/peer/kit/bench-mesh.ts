import { startMesh } from '../../../adapters/node/index.js';
import type { Mesh } from '../../../src/index.js';
import { PROTOCOLS } from './exchanges.js';

/** A mesh as users start it. */
export async function startBenchMesh(rules: string): Promise<Mesh> {
  const mesh = await startMesh({ rules, protocols: [...PROTOCOLS] });
  await mesh.ready();
  return mesh;
}
