import { describe, expect, test } from '@jest/globals';
import { trpc } from '../../../../adapters/protocols/trpc/index.js';
import { Mutation } from '../../../../src/message/index.js';
import { codecKit } from '../../../../src/testing/index.js';
import { goldenNames, samples } from './golden.js';

/** The longest are for the golden test. */
const exchanges = goldenNames
  .filter((name) => name !== 'go-big-request' && name !== 'go-stream-flow-control')
  .flatMap(samples);

const mutation = Mutation.of([
  ['x-tenant', 'blue'],
  ['user-id', undefined],
  ['X-CANARY', 'no'],
  ['unicode', '微风 😀'],
]);

describe('tRPC', () => {
  test('the samples are a spread', () => {
    expect(exchanges.length).toBeGreaterThan(90);
  });

  for (const check of codecKit({
    protocol: trpc,
    exchanges,
    mutation,
    mutable: ({ kind }) => ['request', 'oneway', 'response', 'error', 'stream-open', 'stream-end'].includes(kind),
  })) {
    test(check.name, check.run);
  }
});
