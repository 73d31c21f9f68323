/** The engine as a process of its own: ports that stand for services, or ports in front of an app. */
import type { Listener } from '../../../src/index.js';
import { startBenchMesh } from '../kit/bench-mesh.js';
import { obey } from '../kit/control.js';

export interface SidecarTask {
  readonly rules: string;
  readonly listeners: readonly {
    /** `<host>:<port>` */
    readonly service: string;
    /** The app's own port, if calls of it come in here. */
    readonly forward?: number;
  }[];
}

obey(async ({ rules, listeners }: SidecarTask): Promise<number[]> => {
  const mesh = await startBenchMesh(rules);
  const open: Listener[] = [];
  for (const { service, forward } of listeners) {
    open.push(
      forward === undefined
        ? await mesh.listen({ port: 0, service })
        : await mesh.serve({ port: 0, service, forward: { port: forward } }),
    );
  }
  return open.map((it) => it.port);
});
