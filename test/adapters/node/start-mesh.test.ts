import { expect, test } from '@jest/globals';
import { NEVER } from 'rxjs';
import { startMesh } from '../../../adapters/node/index.js';
import { silentLogger } from '../../../src/telemetry/index.js';

test('a part that there is not is refused, with those that there are', async () => {
  const started = startMesh({ protocols: [] }, { logger: silentLogger, interceptor: [], mode: 'observe' } as never);
  await expect(started).rejects.toThrow(
    /^startMesh has no part called interceptor, mode: the second argument may have sources, protocols, interceptors, /,
  );
});

test('parts made in code are taken', async () => {
  const source = { name: 'code', precedence: 400, watch: () => NEVER };
  const mesh = await startMesh({ protocols: [] }, { sources: [source], logger: silentLogger });
  expect(mesh.status.sources.map(({ name }) => name)).toEqual(['code']);
  await mesh.close();
});
