import type { LoadedConfig } from '../../node/config.js';
import { Engine } from './engine.js';
import type { Host } from './host.js';
import { changedParts, unlessGivenUp } from './reload.js';
import type { SidecarReport } from './report.js';
import { Sources, withoutSources } from './sources.js';

/** An engine in this very process, which follows its sources itself. */
export class Single implements Host {
  private constructor(
    private config: LoadedConfig,
    private readonly sources: Sources,
    private readonly engine: Engine,
    private readonly tell: (report: SidecarReport) => void,
  ) {}

  static async start(config: LoadedConfig, tell: (report: SidecarReport) => void): Promise<Single> {
    const sources = await Sources.of(config);
    const engine = await Engine.start(
      withoutSources(config),
      tell,
      { program: 'sidecar' },
      { sources: [...sources.feeds.values()] },
    );
    return new Single(config, sources, engine, tell);
  }

  ready(): Promise<void> {
    return this.engine.ready();
  }

  get health() {
    return this.engine.health;
  }

  get listening() {
    return this.engine.listening;
  }

  async reload(config: LoadedConfig, giveUp: AbortSignal): Promise<void> {
    const changed: string[] = [...changedParts(this.config, config)];
    const failed = this.sources.haveFailed;
    const feeds = await this.sources.reread(config, giveUp);
    // The mesh follows what it was made with.
    this.sources.discard(feeds);
    if (failed || !this.sources.has(feeds)) changed.push('sources');
    if (changed.length > 0) {
      this.tell({ type: 'problem', message: `a change of ${changed.join(', ')} holds from the next start on` });
    }
    this.config = config;
    await unlessGivenUp(giveUp, this.engine.reload(config));
  }

  async drain(cut: Promise<void>): Promise<void> {
    await this.engine.drain(cut);
    this.sources.close();
  }
}
