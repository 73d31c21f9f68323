import { once } from 'node:events';
import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { forgivingStream } from '../../src/telemetry/index.js';

const broken = () => new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
}

test('lines that nobody reads are lost without an error, and one listener is enough for them', async () => {
  const stream = broken();
  const out = forgivingStream(stream);
  for (let line = 0; line < 100; line++) out.write('line\n');
  expect(stream.listenerCount('error')).toBe(1);
  await turns();
  out.write('later\n');
  await turns();
  expect(stream.listenerCount('error')).toBe(0);
});

test('a line of the app that nobody reads is an error as ever', async () => {
  const stream = broken();
  forgivingStream(stream);
  const failed = once(stream, 'error');
  stream.write('theirs\n');
  await expect(failed).resolves.toMatchObject([{ message: 'EPIPE' }]);
});
