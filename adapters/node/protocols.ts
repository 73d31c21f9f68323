import type { Protocol } from '../../src/index.js';

/**
 * Protocols that come with Meltemi, by name, for everything that takes one by name; each is loaded when it is named. Dubbo
 * without its typed client, which takes longer to load than all else.
 */
export const PROTOCOLS: ReadonlyMap<string, () => Promise<Protocol>> = new Map([
  ['dubbo', async () => (await import('../protocols/dubbo/protocol.js')).dubbo],
  ['thrift', async () => (await import('../protocols/thrift/index.js')).thrift],
  ['trpc', async () => (await import('../protocols/trpc/index.js')).trpc],
  ['brpc', async () => (await import('../protocols/brpc/index.js')).brpc],
  ['tars', async () => (await import('../protocols/tars/index.js')).tars],
  ['videopacket', async () => (await import('../protocols/videopacket/index.js')).videopacket],
  ['qza', async () => (await import('../protocols/qza/index.js')).qza],
  ['awesomerpc', async () => (await import('../protocols/awesomerpc/index.js')).awesomerpc],
]);
