import { isDeepStrictEqual } from 'node:util';
import type { LoadedConfig } from '../../node/config.js';
import { loadSources } from '../../node/start-mesh.js';
import { SourceFeed } from './source-feed.js';

/** What an engine is told whose sources are followed for it. */
export function withoutSources(config: LoadedConfig): LoadedConfig {
  return { ...config, rules: [], metards: undefined };
}

/** The sources of a configuration, each followed once, for all meshes that want to. */
export class Sources {
  private constructor(
    private config: LoadedConfig,
    /** By name. */
    readonly feeds: Map<string, SourceFeed>,
  ) {}

  static async of(config: LoadedConfig): Promise<Sources> {
    const sources = await loadSources(config);
    return new Sources(config, new Map(sources.map((source) => [source.name, new SourceFeed(source)])));
  }

  /**
   * Reads files anew, and follows what is configured in another way now.
   * @returns whether the sources are the same ones as before, by name; others are there for meshes that begin from now on
   * @throws Error - one of them cannot be used; those before it may have been read already, those after it were not
   */
  async reread(config: LoadedConfig, giveUp: AbortSignal): Promise<boolean> {
    const sources = await loadSources(config);
    const elsewhere = !isDeepStrictEqual(config.metards, this.config.metards);
    for (const source of sources) {
      const feed = this.feeds.get(source.name);
      if (feed !== undefined && (source.local || elsewhere)) await feed.reread(source, giveUp);
    }
    this.config = config;
    const names = new Set(sources.map(({ name }) => name));
    const same = names.size === this.feeds.size && [...names].every((name) => this.feeds.has(name));
    for (const name of this.feeds.keys()) if (!names.has(name)) this.feeds.delete(name);
    for (const source of sources) if (!this.feeds.has(source.name)) this.feeds.set(source.name, new SourceFeed(source));
    return same;
  }

  close(): void {
    for (const feed of this.feeds.values()) feed.close();
  }
}
