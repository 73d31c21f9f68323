import 'reflect-metadata';
import { injectable, type Newable } from 'inversify';
import type { Interceptor } from '../../src/index.js';

/** Where an interceptor stands; see `Interceptor` in `meltemi`. */
export interface MeshInterceptorOptions extends Pick<Interceptor, 'phase' | 'direction'> {
  /** @defaultValue the class's name */
  readonly name?: string;
  /** Interceptors of the same phase that stand outside this one: classes or names. */
  readonly after?: readonly (string | Newable)[];
  /** Interceptors of the same phase that stand inside this one: classes or names. */
  readonly before?: readonly (string | Newable)[];
}

const KEY = Symbol.for('meltemi:interceptor');

/**
 * Makes a class an interceptor of the mesh: its `intercept(call, next)` joins the plan where `options` say, its
 * constructor's parameters are injected. Name each with an explicit `@inject(TOKEN)`: what a compiler emits about types
 * is not relied on.
 */
export function MeshInterceptor(options: MeshInterceptorOptions = {}) {
  return <C extends Newable<Pick<Interceptor, 'intercept'>>>(target: C): void => {
    injectable()(target);
    Reflect.defineMetadata(KEY, options, target);
  };
}

/**
 * What a container resolved, as the mesh takes it.
 * @throws TypeError - it is neither an Interceptor nor of a class with `@MeshInterceptor`
 */
export function asInterceptor(resolved: object): Interceptor {
  const options = optionsOf(resolved.constructor);
  if (options === undefined) {
    if (
      typeof (resolved as Interceptor).intercept === 'function' &&
      typeof (resolved as Interceptor).name === 'string'
    ) {
      return resolved as Interceptor;
    }
    throw new TypeError(`${resolved.constructor.name} is bound as an interceptor: decorate it with @MeshInterceptor()`);
  }
  const { phase, direction, after, before } = options;
  return {
    name: nameOf(resolved.constructor),
    ...(phase === undefined ? {} : { phase }),
    ...(direction === undefined ? {} : { direction }),
    after: (after ?? []).map(nameOf),
    before: (before ?? []).map(nameOf),
    intercept: (call, next) => (resolved as Interceptor).intercept(call, next),
  };
}

function optionsOf(target: object): MeshInterceptorOptions | undefined {
  return Reflect.getMetadata(KEY, target) as MeshInterceptorOptions | undefined;
}

// biome-ignore lint/complexity/noBannedTypes: `constructor` of an object is typed so.
function nameOf(target: string | Newable | Function): string {
  return typeof target === 'string' ? target : (optionsOf(target)?.name ?? target.name);
}
