/** videopacket, a live-video platform's private protocol, in a layout of our own: no public one exists. Imports `src/message`. */
import { defineProtocol, type FramedProtocol } from '../../../src/message/index.js';

/**
 * A 36-byte header, big-endian, and a body. `app_id`, `request_id`, `command` and `service_type` are the attributes that
 * Aeraki's rules for it name; where they stand on the wire is our own: see `docs/protocols/private.md`.
 */
export const videopacket: FramedProtocol = defineProtocol({
  name: 'videopacket',
  operation: ['command'],
  header: [
    { name: 'magic', type: 'u16', is: 0x5650 },
    { name: 'version', type: 'u8', is: 1 },
    { name: 'type', type: 'u8', kinds: { 1: 'request', 2: 'response', 3: 'oneway', 4: 'ping', 5: 'pong' } },
    { name: 'length', type: 'u32', length: 'message' },
    { name: 'request_id', type: 'u64', id: true },
    { name: 'app_id', type: 'u32' },
    { name: 'command', type: 'u32' },
    { name: 'service_type', type: 'u32' },
    { name: 'timeout_ms', type: 'u32', timeout: true },
    { name: 'result', type: 'i32', status: { 0: 'ok', 1: 'business', [-2]: 'rejected' }, reject: -1 },
  ],
});
