import load from 'xxhash-wasm';
import type { HashEngine } from '../../../src/rules/index.js';

const { h64 } = await load();

/** The engine that `adapters/engines/xxhash` wraps too; `src` and its tests know no adapters. */
export const hash: HashEngine = { hash: (value, seed) => h64(value, seed) };
