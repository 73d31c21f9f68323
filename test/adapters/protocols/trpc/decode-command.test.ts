import { expect, test } from '@jest/globals';
import { decodeCommand } from '../../../../adapters/cli/decode.js';
import { capturedIo } from '../../../support/captured-io.js';
import { bytesOf, golden } from './golden.js';

async function decode(name: string, from: 'client' | 'server'): Promise<string[]> {
  const [connection] = golden(name).connections;
  const { io, written } = capturedIo([bytesOf(connection!, from)]);
  expect(await decodeCommand(['trpc', '--from', from], io)).toBe(0);
  return written().out.trimEnd().split('\n');
}

test('meltemi decode tells what is in recorded tRPC', async () => {
  expect(await decode('go-unary', 'client')).toEqual([
    'request   1 trpc.helloworld.Greeter/Hello caller=trpc.golden.client.Caller callee=trpc.golden.demo.Greeter func=/trpc.helloworld.Greeter/Hello (119 bytes)',
  ]);
  expect(await decode('go-java-framework-error', 'server')).toEqual([
    'error     4 status=22 error_msg=overloaded (32 bytes)',
  ]);
  expect((await decode('go-stream-client', 'client')).map((line) => line.slice(0, 15))).toEqual([
    'stream-open 100',
    'stream-data 100',
    'stream-data 100',
    'stream-data 100',
    'stream-close 10',
  ]);
  expect((await decode('go-stream-metadata', 'server')).slice(-2)).toEqual([
    'stream-close 100 status=0 user-id=u-17 (33 bytes)',
    'stream-close 100 status=1 error_msg="uninitialized meta" (40 bytes)',
  ]);
});
