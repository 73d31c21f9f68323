/** xxHash64 by xxhash-wasm: Envoy's ring hash, 80 ns for 48 bytes. */
import load from 'xxhash-wasm';
import type { HashEngine } from '../../src/rules/index.js';

/** Longer values go through in pieces: else the engine's memory would grow to three times the value, for good. */
const WHOLE_UP_TO = 16 * 1024;

/** Resolves once the WebAssembly is compiled, some ms. */
export async function xxhash(): Promise<HashEngine> {
  const { h64, create64 } = await load();
  return {
    hash(value, seed) {
      if (value.length <= WHOLE_UP_TO) return h64(value, seed);
      const bytes = Buffer.from(value);
      const stream = create64(seed);
      for (let at = 0; at < bytes.length; at += WHOLE_UP_TO) stream.update(bytes.subarray(at, at + WHOLE_UP_TO));
      return stream.digest();
    },
  };
}
