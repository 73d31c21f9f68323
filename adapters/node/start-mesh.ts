import { createWriteStream } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  createMesh,
  type Interceptor,
  type Logger,
  type LogStream,
  type Mesh,
  type MeshNode,
  type MeshOptions,
  type Protocol,
} from '../../src/index.js';
import { type ConnectionOptions, type EngineOptions, lastGoodFiles } from '../../src/spi.js';
import { forgivingStream } from '../../src/telemetry/index.js';
import { type LoadedConfig, loadConfig, type MeshConfig, parseConfig } from './config.js';
import { openMeshControl } from './control.js';
import { istioProxy } from './istio-proxy.js';
import { loadMetaRds } from './metards.js';
import { PROTOCOLS } from './protocols.js';

/** What code may give that a configuration file can't. */
export interface StartOptions
  extends Partial<
    Pick<
      MeshOptions,
      | 'sources'
      | 'protocols'
      | 'interceptors'
      | 'policies'
      | 'engines'
      | 'lastGood'
      | 'logger'
      | 'runtime'
      | 'transport'
      | 'names'
      | 'workers'
    >
  > {
  /** Do connections to control planes keep the process from ending? @defaultValue true */
  readonly keepsProcess?: boolean;
}

/** The compiler sees to it that none is forgotten. */
const PARTS = Object.keys({
  sources: 0,
  protocols: 0,
  interceptors: 0,
  policies: 0,
  engines: 0,
  lastGood: 0,
  logger: 0,
  runtime: 0,
  transport: 0,
  names: 0,
  workers: 0,
  keepsProcess: 0,
} satisfies Record<keyof StartOptions, 0>);

/**
 * A mesh with batteries: loads the protocols, engines and files that a configuration names. Resolves when the mesh
 * exists; `await mesh.ready()` for its rules.
 * @param config - a configuration, or the path of `meltemi.config.mjs` or `.yaml`
 * @param extra - parts made in code, beside those that the configuration names
 * @throws ConfigError - with every problem of the configuration
 * @throws TypeError - `extra` has something that is no part of a mesh
 */
export async function startMesh(config: MeshConfig | string = {}, extra: StartOptions = {}): Promise<Mesh> {
  const loaded = typeof config === 'string' ? await loadConfig(config) : parseConfig(config);
  const unknown = Object.keys(extra).filter((name) => !PARTS.includes(name));
  if (unknown.length > 0) {
    throw new TypeError(
      `startMesh has no part called ${unknown.join(', ')}: the second argument may have ${PARTS.join(', ')}; the rest belongs to the configuration, which is the first`,
    );
  }
  const mesh = createMesh(await meshOptions(loaded, extra));
  await openMeshControl(mesh, loaded, warner(extra.logger));
  return mesh;
}

/** What {@link startMesh} hands to `createMesh`; for tools that start a mesh of their own. */
export async function meshOptions(config: LoadedConfig, extra: StartOptions = {}): Promise<MeshOptions> {
  const [protocols, interceptors, sources] = await Promise.all([
    Promise.all(config.protocols.map((name) => loadProtocol(name, config))),
    Promise.all(config.interceptors.map((name) => loadInterceptors(name, config))),
    loadSources(config, extra.keepsProcess),
  ]);
  return {
    sources: [...sources, ...(extra.sources ?? [])],
    protocols: [...protocols, ...(extra.protocols ?? [])],
    interceptors: [...interceptors.flat(), ...(extra.interceptors ?? [])],
    engines: { ...ENGINES, ...extra.engines },
    policies: extra.policies ?? [],
    node: config.node as MeshNode,
    mode: config.mode,
    initialTimeoutMs: config.initialTimeout,
    onNoRules: config.onNoRules,
    ...(config.maxStale === undefined ? {} : { maxStaleMs: config.maxStale }),
    placement: config.placement,
    sidecar: sidecarOf(config.sidecar),
    fallBack: { lastsMs: config.fallBack.lasts, healthyMs: config.fallBack.healthy },
    connections: config.connections as ConnectionOptions,
    ...(config.lastGood === undefined
      ? {}
      : { lastGood: lastGoodFiles({ directory: resolve(config.directory, config.lastGood) }) }),
    ...(extra.lastGood === undefined ? {} : { lastGood: extra.lastGood }),
    workers: extra.workers ?? { count: config.workers },
    ...(config.accessLog === undefined ? {} : { accessLog: accessLogOf(config.accessLog, config, extra.logger) }),
    ...(extra.logger === undefined ? {} : { logger: extra.logger }),
    ...(extra.runtime === undefined ? {} : { runtime: extra.runtime }),
    ...(extra.transport === undefined ? {} : { transport: extra.transport }),
    ...(extra.names === undefined ? {} : { names: extra.names }),
  };
}

/** Where nothing is said, a proxy that is found is taken for one as Istio injects it, which captures all connections. */
function sidecarOf({ captures, ports }: LoadedConfig['sidecar']): NonNullable<MeshOptions['sidecar']> {
  return captures === 'auto' ? { captures: 'all', ports, detect: () => istioProxy() } : { captures, ports };
}

function accessLogOf(
  { path, format }: NonNullable<LoadedConfig['accessLog']>,
  { directory }: LoadedConfig,
  logger: Logger | undefined,
): NonNullable<MeshOptions['accessLog']> {
  return { out: logStream(path, directory, warner(logger)), ...(format === undefined ? {} : { format }) };
}

/** For what goes wrong beside the mesh. */
function warner(logger: Logger | undefined): (message: string) => void {
  return logger === undefined ? process.emitWarning : (message) => logger.warn(message);
}

/** A file that cannot be written costs its lines, said once, and not the process. */
function logStream(path: string, directory: string, warn: (message: string) => void): LogStream {
  if (path === 'stdout' || path === 'stderr') return forgivingStream(process[path]);
  const file = createWriteStream(resolve(directory, path), { flags: 'a', mode: 0o640 });
  file.on('error', (error) => warn(`the access log is not written: ${error.message}`));
  return file;
}

/** Most processes have no rule that asks for any of them. */
const ENGINES: EngineOptions = {
  breaker: async () => (await import('../engines/opossum.js')).opossum(),
  pacing: async () => (await import('../engines/bottleneck.js')).bottleneck,
  regex: async () => (await import('../engines/re2.js')).re2,
  hash: async () => (await import('../engines/xxhash.js')).xxhash(),
};

/** What `rules` and `metards` of a configuration name. */
export async function loadSources(config: LoadedConfig, keepsProcess?: boolean): Promise<MeshOptions['sources']> {
  const [files, routes] = await Promise.all([loadFiles(config), loadMetaRds(config, keepsProcess)]);
  return [...files, ...routes];
}

async function loadFiles(config: LoadedConfig): Promise<MeshOptions['sources']> {
  if (config.rules.length === 0) return [];
  const { fileSource } = await import('../sources/file/index.js');
  const paths = config.rules.map((path) => (isAbsolute(path) ? path : resolve(config.directory, path)));
  return [fileSource({ paths, watch: config.watch })];
}

async function loadProtocol(name: string, config: LoadedConfig): Promise<Protocol> {
  const known = PROTOCOLS.get(name);
  return known === undefined ? ((await loadModule(name, 'Protocol', config)) as Protocol) : known();
}

async function loadInterceptors(name: string, config: LoadedConfig): Promise<readonly Interceptor[]> {
  const value = (await loadModule(name, 'Interceptor', config)) as Interceptor | readonly Interceptor[];
  return Array.isArray(value) ? value : [value as Interceptor];
}

/** A module by path, relative to the configuration, or by package name. */
async function loadModule(name: string, what: string, { directory }: LoadedConfig): Promise<unknown> {
  const specifier = /^\.{0,2}\//.test(name) ? pathToFileURL(resolve(directory, name)).href : name;
  const module = await import(specifier).then(
    (loaded: { default?: unknown }) => loaded,
    (error: Error) => {
      const known =
        what === 'Protocol' ? `; protocols that come with Meltemi: ${[...PROTOCOLS.keys()].join(', ')}` : '';
      throw new Error(`the ${what} '${name}' of the configuration cannot be loaded: ${error.message}${known}`, {
        cause: error,
      });
    },
  );
  if (module.default === undefined) throw new Error(`${name} has no default export; it should be a ${what}`);
  return module.default;
}
