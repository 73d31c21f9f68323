import { readdirSync, readFileSync } from 'node:fs';
import { dubbo } from '../../../../adapters/protocols/dubbo/index.js';
import { ByteQueue, type Message, type Side } from '../../../../src/message/index.js';
import type { SampleExchange } from '../../../../src/testing/index.js';

/** One recorded frame with its description, as `test/golden/dubbo/README.md` says. */
export interface GoldenFrame {
  readonly base64: string;
  readonly header: {
    readonly flags: number;
    readonly request: boolean;
    readonly twoWay: boolean;
    readonly event: boolean;
    readonly serialization: number;
    readonly status: number;
    readonly id: string;
    readonly bodyLength: number;
  };
  readonly offsets?: { readonly attachments?: number; readonly end?: number };
  readonly body?: {
    readonly dubbo?: string;
    readonly path?: string;
    readonly version?: string;
    readonly method?: string;
    readonly kind?: number;
    readonly error?: string;
    readonly data?: unknown;
    readonly attachments?: Record<string, unknown>;
  };
}

export interface GoldenEntry {
  readonly name: string;
  readonly call?: { readonly result?: unknown };
  readonly request?: GoldenFrame;
  readonly response?: GoldenFrame | null;
  readonly frames?: readonly (GoldenFrame & { readonly direction: string })[];
  readonly sentChunks?: readonly string[];
  readonly received?: readonly GoldenFrame[];
}

const FOLDER = new URL('../../../golden/dubbo/', import.meta.url);

export const goldenFiles: readonly string[] = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

export function goldenEntries(file: string): readonly GoldenEntry[] {
  return JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));
}

export function bytesOf(frame: GoldenFrame): Buffer {
  return Buffer.from(frame.base64, 'base64');
}

/** Every described frame of an entry. */
export function framesOf(entry: GoldenEntry): readonly GoldenFrame[] {
  return [entry.request, entry.response, ...(entry.frames ?? []), ...(entry.received ?? [])].filter((it) => it != null);
}

export function exchangeOf(entry: GoldenEntry): SampleExchange {
  return {
    name: entry.name,
    ...(entry.request && { request: bytesOf(entry.request) }),
    ...(entry.response && { reply: bytesOf(entry.response) }),
  };
}

/** The only message in these bytes, which come cut at `cuts`. */
export function decoded(bytes: Buffer, side: Side = 'downstream', cuts: readonly number[] = []): Message {
  const input = new ByteQueue();
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    input.push(bytes.subarray(from, cut));
    from = cut;
  }
  const message = dubbo.open(side).decode(input);
  if (message === null || input.length > 0) throw new Error('not one message');
  return message;
}

export function entry(file: string, name: string): GoldenEntry {
  const found = goldenEntries(file).find((it) => it.name.endsWith(`/${name}`));
  if (found === undefined) throw new Error(`no entry ${name} in ${file}`);
  return found;
}
