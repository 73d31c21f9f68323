import { channel } from 'node:diagnostics_channel';
import { Observable } from 'rxjs';
import type { MeshOptions, RuleSource } from '../../../src/index.js';
import { type RuleChange, type RuleKind, serviceKey } from '../../../src/rules/index.js';
import type { PlacementChange } from '../../../src/telemetry/events.js';
import { ManualRuntime } from '../../../src/testing/index.js';
import { FROM, route } from '../../routing/rules.js';
import { Backend, close, closing, HOSTS } from '../scene.js';
import { DEMO, demoService, type World, world, YamlSource } from '../support.js';

/** Where the sidecar takes calls to `demo.test:9000`. */
export const SIDECAR_PORT = 15_080;
export const PORTS = { 'demo.test:9000': SIDECAR_PORT };

/** A control plane as a test wants it: says what it is told to. */
export class ControlPlane implements RuleSource {
  readonly name = 'rds';
  readonly precedence = 200;
  #emit: ((batch: readonly RuleChange[]) => void) | undefined;

  watch(): Observable<readonly RuleChange[]> {
    return new Observable((subscriber) => {
      this.#emit = (batch) => subscriber.next(batch);
    });
  }

  /** The whole of what it has: the table of `demo.test:9000`, to one subset. */
  routes(subset: string): void {
    const key = serviceKey(DEMO.host, DEMO.port);
    const destinations = [{ cluster: `outbound|9000|${subset}|demo.test`, weight: 1 }];
    const from = { ...FROM, source: this.name };
    const rule = { key, routes: [route('from-rds', [], { destinations, from })], from };
    this.#emit!([{ type: 'upsert', kind: 'routes' satisfies RuleKind, rule }, { type: 'complete' }]);
  }

  nothing(): void {
    this.#emit!([{ type: 'complete' }]);
  }

  /** Its connection is gone. */
  lost(): void {
    this.#emit!([{ type: 'state', state: 'stale', error: 'the stream ended' }]);
  }

  back(): void {
    this.#emit!([{ type: 'state', state: 'live' }]);
  }
}

export interface PlacedWorld extends World {
  readonly runtime: ManualRuntime;
  readonly controlPlane: ControlPlane;
  readonly backend: Backend;
  /** Switches as events told them: `from>to reason`. */
  readonly events: string[];
  /** `demo.test:9000` as status has it. */
  placed(): string;
}

/** `demo.test` described by a file, with routes from a control plane that says nothing until told; a sidecar that answers. */
export function placedWorld(options: Partial<MeshOptions> = {}, yaml = demoService): PlacedWorld {
  const runtime = new ManualRuntime();
  const controlPlane = new ControlPlane();
  const source = new YamlSource(yaml);
  const it = world(undefined, { runtime, sources: [source, controlPlane], ...options });
  const backend = new Backend(it, ...HOSTS);
  backend.echo = true;
  it.server('127.0.0.1', (payload) => `sidecar ${payload}`, SIDECAR_PORT);
  const events: string[] = [];
  const listen = (message: unknown) => {
    const { service, from, to, reason } = message as PlacementChange;
    if (service === 'demo.test:9000') events.push(`${from ?? ''}>${to} ${reason}`);
  };
  const placements = channel('meltemi:placement:change');
  placements.subscribe(listen);
  closing.push(async () => {
    placements.unsubscribe(listen);
    await close(it.mesh, runtime);
  });
  const placed = () => {
    const { placement, reason } = it.mesh.status.placements.find(({ service }) => service === 'demo.test:9000')!;
    return `${placement} ${reason}`;
  };
  return { ...it, source, runtime, controlPlane, backend, events, placed };
}
