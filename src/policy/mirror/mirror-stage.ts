/**
 * Sends a share of the calls to other clusters as well. Each mirror of a route draws for itself, once a call: neither a
 * retry nor a second pass (a fallback, an interceptor that subscribes again) mirrors anew. What becomes of a copy is
 * nobody's concern here: the port drops its reply, and if even starting it fails, the call goes on.
 */
import type { Pass } from '../../call/index.js';
import type { MirrorRule } from '../../rules/index.js';
import type { Runtime } from '../../runtime/index.js';
import type { Gate, PlanScope, StageBinder } from '../stage.js';

const ALWAYS = 1_000_000;

class MirrorGate implements Gate<Pass> {
  constructor(
    private readonly mirrors: readonly MirrorRule[],
    private readonly runtime: Runtime,
    private readonly send: PlanScope['mirror'],
  ) {}

  before({ call }: Pass): undefined {
    if (call.mirrored) return;
    call.mirrored = true;
    for (let i = 0; i < this.mirrors.length; i++) {
      const { cluster, perMillion } = this.mirrors[i]!;
      if (perMillion < ALWAYS && this.runtime.random() * ALWAYS >= perMillion) continue;
      try {
        this.send(call, cluster);
      } catch {
        // The port must not throw, and if it does, the primary call must not feel it.
      }
    }
  }

  settled(): void {}
}

export const mirrorStage: StageBinder<Gate<Pass>> = {
  role: 'mirror',
  why: 'sends a copy of some requests to another cluster, whose replies are dropped',
  bind(scope) {
    const mirrors = scope.route.mirrors.filter((it) => it.perMillion > 0);
    if (scope.direction === 'inbound' || mirrors.length === 0) return undefined;
    return new MirrorGate(mirrors, scope.runtime, (call, cluster) => scope.mirror(call, cluster));
  },
};
