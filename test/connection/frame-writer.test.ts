import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FrameWriter } from '../../src/connection/frame-writer.js';
import { inProcessDuplex } from '../../src/connection/index.js';

const tick = () => new Promise<void>((resolve) => process.nextTick(resolve));

test('whatever lies where in memory, the bytes go out as they were given', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 8 }), fc.nat({ max: 1 }))), async (cuts) => {
      const memory = [0, 1].map((at) => Buffer.from(Array.from({ length: 80 }, (_, i) => i + at * 100)));
      const pieces = cuts.map(([start, length, which]) => memory[which]!.subarray(start, start + length));
      const stream = new PassThrough();
      const writer = new FrameWriter(stream, () => {});
      for (const piece of pieces) writer.write([piece]);
      expect(writer.unsent).toBe(Buffer.concat(pieces).length);
      await tick();
      const read: Buffer[] = [];
      for await (const chunk of stream.end()) read.push(chunk);
      expect(Buffer.concat(read)).toEqual(Buffer.concat(pieces));
    }),
  );
});

test("a tick's neighbours in memory are one chunk, and go out at its end", async () => {
  const [near, far] = inProcessDuplex();
  const chunks: string[] = [];
  near.on('data', (chunk) => chunks.push(String(chunk)));
  const writer = new FrameWriter(far, () => {});
  const memory = Buffer.from('abcdef');
  writer.write([memory.subarray(0, 1), memory.subarray(1, 3)]);
  writer.write([memory.subarray(3, 4)]);
  writer.write([memory.subarray(5, 6)]);
  expect(chunks).toEqual([]);
  await tick();
  expect(chunks).toEqual(['abcd', 'f']);
});

test('is full while the stream has not taken what was flushed, or over a megabyte waits', async () => {
  const [near, far] = inProcessDuplex();
  let moves = 0;
  const writer = new FrameWriter(far, () => {
    moves++;
  });
  writer.write([Buffer.alloc(1024 * 1024)]);
  expect(writer.full).toBe(false);
  writer.write([Buffer.alloc(1)]);
  expect(writer.full).toBe(true);
  await tick();
  expect([writer.full, moves]).toEqual([true, 1]);
  near.resume();
  await new Promise((resolve) => far.once('drain', resolve));
  expect([writer.full, writer.unsent, moves]).toEqual([false, 0, 2]);
});
