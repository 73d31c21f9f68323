import type { ServiceIdentifier } from 'inversify';
import type { Interceptor, Logger, Mesh, PolicyOverride, Protocol, RuleSource } from '../../src/index.js';
import type { BreakerEngineFactory, HashEngine, PacingEngineFactory, RegexEngine, Runtime } from '../../src/spi.js';
import type { MeshConfig } from '../node/index.js';

function token<T>(name: string): ServiceIdentifier<T> {
  return Symbol.for(`meltemi:${name}`) as ServiceIdentifier<T>;
}

/**
 * What the mesh is made of, as Inversify knows it. Bind several of RuleSource, Protocol, Interceptor and Policy: all are
 * taken. Everything but the Mesh itself may stay unbound.
 */
export const MeshTokens = {
  /** The mesh; asynchronous: `await container.getAsync(MeshTokens.Mesh)`. Closed by `unbindAsync`. */
  Mesh: token<Mesh>('Mesh'),
  /** What `startMesh` takes. */
  Config: token<MeshConfig>('Config'),
  RuleSource: token<RuleSource>('RuleSource'),
  Protocol: token<Protocol>('Protocol'),
  /** Instances of classes with `@MeshInterceptor`, or plain Interceptors. */
  Interceptor: token<Interceptor | object>('Interceptor'),
  /** Over what rules say. */
  Policy: token<PolicyOverride>('Policy'),
  BreakerEngine: token<BreakerEngineFactory>('BreakerEngine'),
  PacingEngine: token<PacingEngineFactory>('PacingEngine'),
  RegexEngine: token<RegexEngine>('RegexEngine'),
  HashEngine: token<HashEngine>('HashEngine'),
  Logger: token<Logger>('Logger'),
  Runtime: token<Runtime>('Runtime'),
} as const;
