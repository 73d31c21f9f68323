import { describe, expect, test } from '@jest/globals';
import { dubbo } from '../../../../adapters/protocols/dubbo/index.js';
import { Mutation } from '../../../../src/message/index.js';
import { codecKit, type SampleExchange } from '../../../../src/testing/index.js';
import { bytesOf, exchangeOf, goldenEntries } from './golden.js';

function spread(file: string, every: number): SampleExchange[] {
  return goldenEntries(file)
    .filter((entry, i) => i % every === 0 && entry.request !== undefined)
    .map(exchangeOf)
    .filter((it) => (it.request?.length ?? 0) < 20_000 && (it.reply?.length ?? 0) < 20_000);
}

const hessian: SampleExchange[] = [
  ...spread('apache-dubbo-2.7.23-attachments.json', 1),
  ...spread('apache-dubbo-2.7.23-objects.json', 4),
  ...spread('apache-dubbo-3.3.6-styles.json', 2),
  ...spread('apache-dubbo-3.3.6-failures.json', 2),
  ...spread('node-dubbo2.js-2.3.9.json', 4),
  ...spread('node-sofa-rpc-2.10.0-client.json', 3),
];

const fastjson2 = spread('apache-dubbo-3.3.6-fastjson2.json', 1);

const events: SampleExchange[] = goldenEntries('events-3.3.6.json')[0]!.frames!.map((frame, i) => ({
  name: `event ${i}`,
  [frame.header.request ? 'request' : 'reply']: bytesOf(frame),
}));

describe('dubbo', () => {
  test('the samples are a spread', () => {
    expect(hessian.length).toBeGreaterThan(25);
    expect(fastjson2.length).toBe(6);
    expect(events.length).toBeGreaterThan(3);
  });

  for (const check of codecKit({
    protocol: dubbo,
    exchanges: [...hessian, ...fastjson2, ...events],
    mutation: Mutation.of([
      ['x-tenant', 'blue'],
      ['Remote.Application', undefined],
      ['timeout', '150'],
      ['unicode', '微风 😀'],
    ]),
  })) {
    test(check.name, check.run);
  }
});
