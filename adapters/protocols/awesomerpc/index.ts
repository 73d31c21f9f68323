/** awesomerpc, the sample protocol of Aeraki's codec tutorial, with one header for both directions. Imports `src/message`. */
import { defineProtocol, type FramedProtocol } from '../../../src/message/index.js';

/**
 * A 15-byte header, big-endian, pairs of text and a body. The fields are those of upstream's sample, whose decoder and
 * encoder disagree on their places; here there is one layout for both, with header pairs: see `docs/protocols/private.md`.
 * Requests and replies look alike: which one a message is, its direction tells.
 */
export const awesomerpc: FramedProtocol = defineProtocol({
  name: 'awesomerpc',
  operation: ['cmd'],
  header: [
    { name: 'version', type: 'i8' },
    { name: 'pack_flow', type: 'u32', id: true },
    { name: 'pack_len', type: 'u32', length: 'message' },
    { name: 'cmd', type: 'i16' },
    { name: 'rsp_code', type: 'i16', status: { 0: 'ok', 2: 'business', 3: 'rejected' }, reject: 1 },
    { name: 'pairs_len', type: 'u16', pairs: true },
  ],
});
