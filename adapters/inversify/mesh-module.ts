import 'reflect-metadata';
import {
  ContainerModule,
  type ContainerModuleLoadOptions,
  type Newable,
  type ResolutionContext,
  type ServiceIdentifier,
} from 'inversify';
import type { Interceptor, Mesh } from '../../src/index.js';
import type { Engines } from '../../src/spi.js';
import { type MeshConfig, type StartOptions, startMesh } from '../node/index.js';
import { asInterceptor } from './mesh-interceptor.js';
import { MeshTokens } from './tokens.js';

/** A client of a service, made once of the mesh. */
export interface ClientBinding<T = unknown> {
  readonly token: ServiceIdentifier<T>;
  readonly create: (mesh: Mesh) => T;
}

/** What the module binds. All of it may be bound by hand instead. */
export interface MeshModuleOptions {
  /** @defaultValue what is bound to `MeshTokens.Config`, else nothing but what is bound */
  readonly config?: MeshConfig;
  /** Classes with `@MeshInterceptor`; others may be bound to `MeshTokens.Interceptor`. */
  readonly interceptors?: readonly Newable<Pick<Interceptor, 'intercept'>>[];
  readonly clients?: readonly ClientBinding[];
}

/**
 * Binds the mesh and its clients, made of whatever parts the container has. The mesh exists once it is asked for:
 * `await container.getAsync(MeshTokens.Mesh)`; `await container.unbindAsync(MeshTokens.Mesh)` closes it.
 */
export function meshModule(options: MeshModuleOptions = {}): ContainerModule {
  return new ContainerModule((container: ContainerModuleLoadOptions) => {
    if (options.config !== undefined) container.bind(MeshTokens.Config).toConstantValue(options.config);
    for (const interceptor of options.interceptors ?? []) {
      container
        .bind(MeshTokens.Interceptor)
        .to(interceptor as Newable<object>)
        .inSingletonScope();
    }
    container.bind(MeshTokens.Mesh).toDynamicValue(start).inSingletonScope();
    container.onDeactivation(MeshTokens.Mesh, (mesh) => mesh.close());
    for (const { token, create } of options.clients ?? []) {
      container
        .bind(token)
        .toDynamicValue(async (context) => create(await context.getAsync(MeshTokens.Mesh)))
        .inSingletonScope();
    }
  });
}

async function start(context: ResolutionContext): Promise<Mesh> {
  const all = <T>(token: ServiceIdentifier<T>) => context.getAllAsync(token, { optional: true });
  const one = <T>(token: ServiceIdentifier<T>) => context.getAsync(token, { optional: true });
  const [config, sources, protocols, interceptors, policies, engines, logger, runtime] = await Promise.all([
    one(MeshTokens.Config),
    all(MeshTokens.RuleSource),
    all(MeshTokens.Protocol),
    all(MeshTokens.Interceptor),
    all(MeshTokens.Policy),
    enginesOf(one),
    one(MeshTokens.Logger),
    one(MeshTokens.Runtime),
  ]);
  const bound: StartOptions = {
    sources,
    protocols,
    interceptors: interceptors.map(asInterceptor),
    policies,
    engines,
    ...(logger === undefined ? {} : { logger }),
    ...(runtime === undefined ? {} : { runtime }),
  };
  // With protocols bound, only those: a configuration that names others says so.
  return startMesh({ ...(protocols.length > 0 ? { protocols: [] } : {}), ...config }, bound);
}

async function enginesOf(one: <T>(token: ServiceIdentifier<T>) => Promise<T | undefined>): Promise<Engines> {
  const [breaker, pacing, regex, hash] = await Promise.all([
    one(MeshTokens.BreakerEngine),
    one(MeshTokens.PacingEngine),
    one(MeshTokens.RegexEngine),
    one(MeshTokens.HashEngine),
  ]);
  return {
    ...(breaker === undefined ? {} : { breaker }),
    ...(pacing === undefined ? {} : { pacing }),
    ...(regex === undefined ? {} : { regex }),
    ...(hash === undefined ? {} : { hash }),
  };
}
