/** qza, a music service's private protocol, in a layout of our own: no public one exists. Imports `src/message`. */
import { defineProtocol, type FramedProtocol } from '../../../src/message/index.js';

/**
 * A 30-byte header, big-endian, and a body. Rules for it name `cmd` and `sub_cmd`, both decimal; where they stand on the
 * wire is our own: see `docs/protocols/private.md`.
 */
export const qza: FramedProtocol = defineProtocol({
  name: 'qza',
  operation: ['cmd', 'sub_cmd'],
  header: [
    { name: 'start', type: 'u8', is: 0x51 },
    { name: 'type', type: 'u8', kinds: { 1: 'request', 2: 'response', 3: 'oneway', 4: 'ping', 5: 'pong' } },
    { name: 'length', type: 'u32', length: 'message' },
    { name: 'seq', type: 'u32', id: true },
    { name: 'cmd', type: 'u32' },
    { name: 'sub_cmd', type: 'u32' },
    { name: 'uin', type: 'u64' },
    { name: 'code', type: 'i32', status: { 0: 'ok', 1: 'business', [-2]: 'rejected' }, reject: -1 },
  ],
});
