import type { Protocol } from '../message/index.js';
import { compileChain, type Interceptor } from '../pipeline/index.js';

/** Interceptors of one direction, in their order. @throws Error - two of one name, or they stand in a circle */
export function chainsOf(interceptors: readonly Interceptor[], direction: 'outbound' | 'inbound') {
  return {
    beforeRoute: compileChain(interceptors, 'before-route', direction),
    routed: compileChain(interceptors, 'routed', direction),
  };
}

/** @throws Error - two of one name */
export function byName(protocols: readonly Protocol[]): ReadonlyMap<string, Protocol> {
  const map = new Map<string, Protocol>();
  for (const protocol of protocols) {
    if (map.has(protocol.name)) throw new Error(`two protocols are named '${protocol.name}'`);
    map.set(protocol.name, protocol);
  }
  return map;
}
