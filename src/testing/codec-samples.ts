/** What the codec kit is given. */
import type { Message, Mutation, Protocol, Side } from '../message/index.js';

/** One call as recorded: `request` is what a client sends, `reply` what its server answers. Whole messages, one each. */
export interface SampleExchange {
  /** For people: it stands in what a failing check says. */
  readonly name: string;
  /** Absent: a message that a server sends unasked. */
  readonly request?: Buffer;
  /** Absent: nothing comes back. */
  readonly reply?: Buffer;
}

/** The protocol to check, with recorded bytes of it. */
export interface CodecKitOptions {
  readonly protocol: Protocol;
  readonly exchanges: readonly SampleExchange[];
  /** Set and delete these on each request that `mutable` accepts. Absent: the protocol has no room for attributes. */
  readonly mutation?: Mutation;
  /** @defaultValue requests and one-way requests */
  readonly mutable?: (message: Message, sample: SampleExchange) => boolean;
  /** Of the pseudo-random checks; a failing one names it. @defaultValue 1 */
  readonly seed?: number;
  /** Noise and changed samples tried, each. @defaultValue 2000 */
  readonly runs?: number;
}

/** One message of an exchange; `side` is the one that reads it. */
export interface Sample {
  readonly name: string;
  readonly side: Side;
  readonly bytes: Buffer;
  readonly exchange: SampleExchange;
}

export function samplesOf(exchange: SampleExchange): Sample[] {
  const samples: Sample[] = [];
  const { name, request, reply } = exchange;
  if (request !== undefined) samples.push({ name: `${name} request`, side: 'downstream', bytes: request, exchange });
  if (reply !== undefined) samples.push({ name: `${name} reply`, side: 'upstream', bytes: reply, exchange });
  return samples;
}
