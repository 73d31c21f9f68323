import { describe, expect, test } from '@jest/globals';
import { thrift, thriftProtocol } from '../../../../adapters/protocols/thrift/index.js';
import { Mutation } from '../../../../src/message/index.js';
import { codecKit, type SampleExchange } from '../../../../src/testing/index.js';
import { recorded, sampleOf } from './golden.js';
import { vectors } from './vectors.js';

/** As one that shares connections: then the kit tries ids too. */
const protocol = thriftProtocol({ sharing: 'multiplexed' });

/** One of each transport, encoding, type and outcome. */
const spread = [
  ...new Map(
    recorded
      .filter(({ frame, bytes }) => frame.header?.transforms.length !== 1 && bytes.length < 20_000)
      .map((it) => {
        const { frame, variant } = it;
        const kind = [frame.type, frame.status?.ok, frame.service !== undefined, frame.headers !== undefined];
        return [[variant.transport, variant.protocol, ...kind].join(), it];
      }),
  ).values(),
].map(sampleOf);

const made: SampleExchange[] = vectors
  .filter(({ transport }) => transport !== 'header zlib')
  .flatMap(({ name, request, oneway, reply, declared }) => [
    { name, request, reply },
    { name: `${name} one-way`, request: oneway },
    { name: `${name} declared`, reply: declared },
  ]);

describe('thrift', () => {
  test('the samples are a spread', () => {
    expect(spread.length).toBe(33);
    expect(made).toHaveLength(3 * 18);
  });

  for (const check of codecKit({
    protocol,
    exchanges: [...spread, ...made],
    runs: 1000,
    mutation: Mutation.of([
      ['x-tenant', 'blue'],
      ['X-User', undefined],
      ['unicode', '微风 😀'],
    ]),
    mutable: (message) => protocol.takesReplyMutation!(message),
  })) {
    test(check.name, check.run);
  }
});

const packed: SampleExchange[] = vectors
  .filter(({ transport }) => transport === 'header zlib')
  .flatMap(({ name, request, oneway, reply, declared }) => [
    { name, request, reply },
    { name: `${name} others`, request: oneway, reply: declared },
  ]);

/** Bytes deflated anew need not be the same: ids are tried in headers.test.ts. */
describe("thrift, zlib'd", () => {
  for (const check of codecKit({ protocol: thrift, exchanges: packed, runs: 300, seed: 7 }))
    test(check.name, check.run);
});
