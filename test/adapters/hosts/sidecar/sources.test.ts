import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { filter, firstValueFrom } from 'rxjs';
import type { SourceFeed } from '../../../../adapters/hosts/sidecar/source-feed.js';
import { Sources } from '../../../../adapters/hosts/sidecar/sources.js';
import { type LoadedConfig, type MeshConfig, parseConfig } from '../../../../adapters/node/config.js';
import { fileSource } from '../../../../adapters/sources/file/index.js';
import { type MetaRdsServer, serveMetaRds } from '../../../../adapters/sources/metards/server/index.js';
import { metaRouter, services, toSubset } from '../../../../examples/demo/rules.js';
import type { RuleChange } from '../../../../src/spi.js';

const never = new AbortController().signal;
let directory: string;
let server: MetaRdsServer;
let sources: Sources;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'meltemi-sources-'));
  write(1);
  server = await serveMetaRds({ port: 0 });
  await server.follow(fileSource({ paths: join(directory, 'rules.yaml') }));
});
afterEach(async () => {
  sources.close();
  await server.close();
  rmSync(directory, { recursive: true });
});

const write = (port: number) => writeFileSync(join(directory, 'rules.yaml'), services(port, port));
const configured = (config: MeshConfig): LoadedConfig => parseConfig({ watch: false, ...config }, '', directory);
const metards = () => ({ address: `127.0.0.1:${server.port}` });

/** A mesh that follows, as far as it was told. */
function follow(feed: SourceFeed) {
  const heard: RuleChange[] = [];
  const following = feed.watch().subscribe((batch) => heard.push(...batch));
  return { heard, stop: () => following.unsubscribe() };
}

const complete = (feed: SourceFeed) =>
  firstValueFrom(feed.watch().pipe(filter((batch) => batch.some(({ type }) => type === 'complete'))));

const ports = (heard: readonly RuleChange[]) =>
  heard.flatMap((it) =>
    it.type === 'upsert' && it.kind === 'endpoints' ? it.rule.endpoints.map(({ port }) => port) : [],
  );

test('files that are dropped, and named again, are read into the feed that goes on being followed', async () => {
  sources = await Sources.of(configured({ rules: 'rules.yaml' }));
  const feed = sources.feeds.get('file')!;
  const { heard } = follow(feed);
  await complete(feed);
  const without = await sources.reread(configured({}), never);
  expect(sources.has(without)).toBe(false);
  sources.discard(without);
  write(2);
  const again = await sources.reread(configured({ rules: 'rules.yaml' }), never);
  expect(sources.has(again)).toBe(true);
  expect(again.get('file')).toBe(feed);
  expect(new Set(ports(heard))).toEqual(new Set([1, 2]));
});

test('a control plane that is configured no longer is left by its last follower, once that is kept', async () => {
  sources = await Sources.of(configured({ rules: 'rules.yaml', metards: metards() }));
  const feed = sources.feeds.get('metards')!;
  const worker = feed.watch().subscribe();
  await complete(feed);
  const closed = firstValueFrom(server.events.pipe(filter(({ type }) => type === 'closed')));
  sources.keep(await sources.reread(configured({ rules: 'rules.yaml' }), never));
  expect([...sources.feeds.keys()]).toEqual(['file']);
  const routes = firstValueFrom(feed.watch().pipe(filter((batch) => batch.some((it) => 'kind' in it))));
  writeFileSync(join(directory, 'rules.yaml'), `${services(1, 1)}---${metaRouter(`  routes:${toSubset('r', 'v2')}`)}`);
  await routes;
  worker.unsubscribe();
  await closed;
});

test('sources that are new and discarded leave those that there are', async () => {
  sources = await Sources.of(configured({ rules: 'rules.yaml' }));
  const { feeds } = sources;
  const more = await sources.reread(configured({ rules: 'rules.yaml', metards: metards() }), never);
  const worker = follow(more.get('metards')!);
  await complete(more.get('metards')!);
  const closed = firstValueFrom(server.events.pipe(filter(({ type }) => type === 'closed')));
  sources.discard(more);
  worker.stop();
  await closed;
  expect(sources.feeds).toBe(feeds);
  const { heard } = follow(feeds.get('file')!);
  await complete(feeds.get('file')!);
  expect(ports(heard)).toContain(1);
});

test('a control plane that is elsewhere is followed there, by the feed that there is', async () => {
  sources = await Sources.of(configured({ metards: metards() }));
  const feed = sources.feeds.get('metards')!;
  follow(feed);
  await complete(feed);
  const other = await serveMetaRds({ port: 0 });
  await other.follow(fileSource({ paths: join(directory, 'rules.yaml'), watch: false }));
  const subscribed = firstValueFrom(other.events.pipe(filter(({ type }) => type === 'subscribed')));
  const closed = firstValueFrom(server.events.pipe(filter(({ type }) => type === 'closed')));
  const moved = await sources.reread(configured({ metards: { address: `127.0.0.1:${other.port}` } }), never);
  await Promise.all([subscribed, closed]);
  expect(sources.has(moved)).toBe(true);
  sources.close();
  await other.close();
});
