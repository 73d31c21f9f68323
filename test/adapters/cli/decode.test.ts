import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { decodeCommand } from '../../../adapters/cli/decode.js';
import { capturedIo } from '../../support/captured-io.js';
import { bytesOf, entry, type GoldenFrame } from '../protocols/dubbo/golden.js';
import { reply as thriftReply, request as thriftRequest } from '../protocols/thrift/golden.js';

const request = bytesOf(entry('apache-dubbo-3.3.6-attachments.json', 'attachments-two').request!);
const reply = bytesOf(entry('apache-dubbo-3.3.6-attachments.json', 'attachments-two').response!);
const event = bytesOf(entry('events-3.3.6.json', 'events').frames!.find((it) => it.body?.data === 'R') as GoldenFrame);

async function run(args: readonly string[], stdin: Iterable<Buffer> = []) {
  const { io, written } = capturedIo(stdin);
  const code = await decodeCommand(args, io);
  return { code, ...written() };
}

describe('meltemi decode', () => {
  test('prints a JSON line for each message', async () => {
    const { code, out, err } = await run(['dubbo', '--json'], [Buffer.concat([request, reply, event])]);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(lines).toEqual([
      {
        kind: 'request',
        id: expect.stringMatching(/^-?\d+$/),
        operation: 'org.apache.dubbo.samples.basic.api.DemoService/attachments',
        attributes: expect.objectContaining({
          interface: 'org.apache.dubbo.samples.basic.api.DemoService',
          'x-user': 'alice',
        }),
        bytes: request.length,
      },
      {
        kind: 'response',
        id: lines[0].id,
        operation: '',
        attributes: { dubbo: '2.0.2' },
        status: '20',
        bytes: reply.length,
      },
      { kind: 'event', id: expect.any(String), operation: 'readonly', attributes: {}, bytes: event.length },
    ]);
  });

  test('prints a message as soon as it is complete', async () => {
    const stdin = new PassThrough();
    const stdout = new PassThrough();
    const done = decodeCommand(['dubbo', '-'], { stdin, stdout, stderr: new PassThrough() });
    stdin.write(Buffer.concat([request, reply.subarray(0, 20)]));
    const [line] = (await new Promise<Buffer>((resolve) => stdout.once('data', resolve))).toString().split('\n');
    expect(line).toMatch(
      /^request +-?\d+ org\.apache\.dubbo\.samples\.basic\.api\.DemoService\/attachments .*x-user=alice.*\(\d+ bytes\)$/,
    );
    stdin.end(reply.subarray(20));
    expect(await done).toBe(0);
  });

  test('a file that is not there is told in a line', async () => {
    const { code, err } = await run(['dubbo', '/nowhere/at-all']);
    expect([code, err]).toEqual([2, expect.stringMatching(/^meltemi decode: ENOENT.*\/nowhere\/at-all'\n$/)]);
  });

  test("decodes a protocol of one's own, by its module", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'meltemi-'));
    const file = join(folder, 'own.mjs');
    writeFileSync(file, "export default { name: 'own', open: () => ({ decode: () => null }) };");
    expect(await run([file])).toEqual({ code: 0, out: '', err: '' });
    writeFileSync(join(folder, 'none.mjs'), 'export const x = 1;');
    expect((await run([join(folder, 'none.mjs')])).err).toContain('has no Protocol for its default export');
    expect((await run([join(folder, 'missing.mjs')])).err).toContain('cannot load');
    rmSync(folder, { recursive: true });
  });

  test('reads a file', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'meltemi-')), 'replies.bin');
    writeFileSync(file, Buffer.concat([reply, event]));
    const { code, out, err } = await run(['dubbo', file, '--from', 'server']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /^response +-?\d+ status=20 dubbo=2\.0\.2 \(\d+ bytes\)\nevent +-?\d+ readonly \(18 bytes\)\n$/,
    );
    rmSync(dirname(file), { recursive: true });
  });

  test.each([
    {
      name: 'an end inside a message',
      stdin: [request, reply.subarray(0, 30)],
      says: `ends inside the message at byte ${request.length}, after 30 of its bytes`,
    },
    {
      name: 'an end inside a header',
      stdin: [request.subarray(0, 3)],
      says: 'ends inside the message at byte 0, after 3 of its bytes',
    },
    {
      name: 'bytes that are no Dubbo',
      stdin: [request, Buffer.from('GET / HTTP/1.1\r\n')],
      says: `the message at byte ${request.length}: not Dubbo`,
    },
    {
      name: 'a negative length',
      stdin: [Buffer.from('dabbc2000000000000000074ffffffff', 'hex')],
      says: 'body length at byte 12 is negative',
    },
  ])('ends with code 2 and one line at $name', async ({ stdin, says }) => {
    const { code, out, err } = await run(['dubbo'], stdin);
    expect(code).toBe(2);
    expect(err).toContain(says);
    expect(err.split('\n')).toHaveLength(2);
    expect(out.split('\n')).toHaveLength(stdin[0] === request ? 2 : 1);
  });

  test.each([
    [[], 'which protocol? One of: dubbo'],
    [['doobo'], 'knows no protocol doobo. One of: dubbo'],
    [['dubbo', '--from', 'afar'], '--from is client or server, not afar'],
    [['dubbo', '--jason'], "Unknown option '--jason'"],
    [['dubbo', 'a', 'b'], 'takes one file, not also b'],
    [['dubbo', '/no/such/file'], 'ENOENT'],
  ])('says what is wrong with %j', async (args, says) => {
    const { code, out, err } = await run(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(says);
    expect(err.split('\n')).toHaveLength(2);
  });

  test('knows Thrift: pairs, services and types of errors', async () => {
    const calls = await run(
      ['thrift', '--json'],
      [thriftRequest('py-framed-binary-mux-call'), thriftRequest('go-header-binary-headers')],
    );
    expect(
      calls.out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { kind: 'request', operation: expect.stringContaining('/'), attributes: { service: expect.any(String) } },
      {
        kind: 'request',
        id: '1',
        operation: 'ping',
        attributes: { method: 'ping', 'x-user': 'rené', 'x-trace': 'abc-1' },
      },
    ]);
    const replies = await run(['thrift', '--from', 'server'], [thriftReply('py-framed-json-unknown-method')]);
    expect(replies.out).toBe('error     0 added status=1 method=added (72 bytes)\n');
  });

  test('takes an empty input for no messages', async () => {
    expect(await run(['dubbo', '--json'])).toEqual({ code: 0, out: '', err: '' });
  });

  test('lists its protocols', async () => {
    const { code, out } = await run(['--help']);
    expect(code).toBe(0);
    expect(out).toContain('PROTOCOL   one of: dubbo');
  });
});
