import { isDeepStrictEqual } from 'node:util';
import type { RuleSource } from '../../../src/spi.js';
import type { LoadedConfig } from '../../node/config.js';
import { loadSources } from '../../node/start-mesh.js';
import { SourceFeed } from './source-feed.js';

/** What an engine is told whose sources are followed for it. */
export function withoutSources(config: LoadedConfig): LoadedConfig {
  return { ...config, rules: [], metards: undefined };
}

/** By name. */
export type Feeds = ReadonlyMap<string, SourceFeed>;

/** The sources of a configuration, each followed once, for all meshes that want to. */
export class Sources {
  /** Of those of control planes: as which configuration has them. */
  readonly #places = new WeakMap<SourceFeed, LoadedConfig['metards']>();
  #feeds: Feeds = new Map();

  private constructor() {}

  static async of(config: LoadedConfig): Promise<Sources> {
    const sources = new Sources();
    sources.#feeds = sources.#feedsOf(await loadSources(config), config);
    return sources;
  }

  get feeds(): Feeds {
    return this.#feeds;
  }

  /** Whoever followed one that did hears of no more changes. */
  get haveFailed(): boolean {
    return [...this.#feeds.values()].some((it) => it.hasFailed);
  }

  /**
   * Reads files anew, and follows control planes as they are configured now. What is configured no longer goes on until
   * the feeds are kept.
   * @returns the feeds of that configuration: those there are, and new ones, to be kept or discarded
   * @throws Error - one of them cannot be used; those before it may have been read already, those after it were not
   */
  async reread(config: LoadedConfig, giveUp: AbortSignal): Promise<Feeds> {
    const sources = await loadSources(config);
    for (const source of sources) {
      const feed = this.#feeds.get(source.name);
      if (feed === undefined) continue;
      const elsewhere = !isDeepStrictEqual(config.metards, this.#places.get(feed));
      if (!(source.local || elsewhere || feed.hasFailed)) continue;
      await feed.reread(source, giveUp);
      this.#places.set(feed, config.metards);
    }
    return this.#feedsOf(sources, config);
  }

  /** Are these the ones that there are? */
  has(feeds: Feeds): boolean {
    return feeds.size === this.#feeds.size && [...feeds.values()].every((it) => this.#feeds.get(it.name) === it);
  }

  keep(feeds: Feeds): void {
    const before = this.#feeds;
    this.#feeds = feeds;
    for (const [name, feed] of before) if (feeds.get(name) !== feed) feed.retire();
  }

  /** Those among them that are new are given up. */
  discard(feeds: Feeds): void {
    for (const [name, feed] of feeds) if (this.#feeds.get(name) !== feed) feed.retire();
  }

  close(): void {
    for (const feed of this.#feeds.values()) feed.close();
  }

  #feedsOf(sources: readonly RuleSource[], { metards }: LoadedConfig): Feeds {
    const feeds = new Map<string, SourceFeed>();
    for (const source of sources) {
      const feed = this.#feeds.get(source.name) ?? new SourceFeed(source);
      if (!this.#places.has(feed)) this.#places.set(feed, metards);
      feeds.set(source.name, feed);
    }
    return feeds;
  }
}
