import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ByteQueue, contiguous } from '../../src/message/index.js';

const step = fc.oneof(
  { weight: 20, arbitrary: fc.record({ do: fc.constant('push' as const), n: fc.integer({ min: 0, max: 40 }) }) },
  fc.record({
    do: fc.constantFrom('take' as const, 'skip' as const, 'peek' as const),
    n: fc.integer({ min: 0, max: 60 }),
  }),
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom('at' as const, 'run' as const), n: fc.integer({ min: 0, max: 200 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), n: fc.constant(0) }) },
);

test('behaves as one long buffer, whatever chunks it is given', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new ByteQueue();
      let all = Buffer.alloc(0);
      let next = 0;
      for (const { do: what, n } of steps) {
        if (what === 'push') {
          const chunk = Buffer.from(Array.from({ length: n }, () => next++ & 0xff));
          queue.push(chunk);
          all = Buffer.concat([all, chunk]);
        } else if (what === 'at') expect(queue.at(n)).toBe(all[n] ?? -1);
        else if (what === 'run') {
          const run = queue.run(n);
          expect(run).toEqual(all.subarray(n, n + run.length));
          expect(run.length > 0).toBe(n < all.length);
        } else if (what === 'clear') {
          queue.clear();
          all = all.subarray(all.length);
        } else if (what === 'peek') expect(queue.peek(n)).toEqual(n > all.length ? null : all.subarray(0, n));
        else if (n > all.length) expect(() => queue[what](n)).toThrow(RangeError);
        else {
          const taken = queue[what](n);
          if (what === 'take') expect(contiguous(taken ?? [])).toEqual(all.subarray(0, n));
          all = all.subarray(n);
        }
        expect(queue.length).toBe(all.length);
      }
    }),
    { numRuns: 300 },
  );
});

test('a long message keeps the chunks that it came in', () => {
  const queue = new ByteQueue();
  const chunks = Array.from({ length: 200 }, (_, i) => Buffer.alloc(64, i));
  for (const chunk of chunks) queue.push(chunk);
  const taken = queue.take(200 * 64);
  expect(taken).toHaveLength(200);
  expect(taken.every((piece, i) => piece.buffer === chunks[i]!.buffer)).toBe(true);
  queue.push(Buffer.from('rest'));
  expect(String(queue.take(4)[0])).toBe('rest');
});

test('reading on from where one left off costs the chunks that came since', () => {
  const queue = new ByteQueue();
  let read = 0;
  for (let i = 0; i < 100_000; i++) {
    queue.push(Buffer.of(i & 0xff));
    const run = queue.run(i);
    read += run.length;
    if (run[0] !== (i & 0xff)) throw new Error(`byte ${i} is ${run[0]}`);
  }
  expect(read).toBe(100_000);
});

test.each([
  [2000, [2000, 3000, 2000]], // within the first chunk: nothing is copied
  [4000, [4000, 1000, 2000]],
  [7000, [7000]],
  [9000, [7000]], // more than is taken
])('takes with the first %d bytes in one piece', (head, lengths) => {
  const queue = new ByteQueue();
  const chunks = [2000, 3000, 3000].map((size, i) => Buffer.alloc(size, i));
  for (const chunk of chunks) queue.push(chunk);
  const taken = queue.takeWithHead(7000, head);
  expect(taken.map((piece) => piece.length)).toEqual(lengths);
  expect(Buffer.concat(taken).equals(Buffer.concat(chunks).subarray(0, 7000))).toBe(true);
  expect(queue.length).toBe(1000);
});
