import { createRequire } from 'node:module';
import { describe, expect, test } from '@jest/globals';
import { dubbo, dubboProtocol } from '../../../../adapters/protocols/dubbo/index.js';
import { FAILURES } from '../../../../src/call/index.js';
import { messageOf } from '../../../../src/mesh/attributes.js';
import { ByteQueue, type Message, Mutation } from '../../../../src/message/index.js';
import { bytesOf, decoded, entry, goldenEntries } from './golden.js';

const require = createRequire(import.meta.url);
const SERVICE = 'org.apache.dubbo.samples.basic.api.DemoService';

function request(file: string, name: string): Message {
  return decoded(bytesOf(entry(file, name).request!));
}

function withAttributes(attributes: Record<string, string>): Message {
  const plain = request('apache-dubbo-2.7.23-attachments.json', 'attachments-none');
  return decoded(
    Buffer.concat(dubbo.open('upstream').encode(plain, undefined, Mutation.of(Object.entries(attributes)))),
  );
}

describe('the Dubbo protocol', () => {
  test('names the services a request may be for, the most exact first', () => {
    const plain = request('apache-dubbo-2.7.23-attachments.json', 'attachments-none');
    expect(dubbo.serviceKeys!(plain)).toEqual([SERVICE.toLowerCase(), SERVICE]);
    expect(dubbo.serviceKeys!(plain)).toBe(dubbo.serviceKeys!(plain));
    const grouped = request('node-dubbo2.js-2.3.9.json', 'group-and-version');
    expect(dubbo.serviceKeys!(grouped)).toEqual([`${SERVICE.toLowerCase()}-blue-1-0-0`, SERVICE]);
    expect(dubbo.serviceKeys!(grouped)).toBe(
      dubbo.serviceKeys!(request('node-dubbo2.js-2.3.9.json', 'group-and-version')),
    );
    expect(dubbo.serviceKeys!(withAttributes({ group: 'Green' }))).toEqual([`${SERVICE.toLowerCase()}-green`, SERVICE]);
    const java = bytesOf(entry('apache-dubbo-2.7.23-attachments.json', 'attachments-none').request!);
    java[2] = 0xc3;
    expect(dubbo.serviceKeys!(decoded(java))).toEqual([]);
    const madeUp = messageOf({ interface: SERVICE, group: 'blue', version: '1.0.0' });
    expect(dubbo.serviceKeys!(madeUp)).toEqual(dubbo.serviceKeys!(grouped));
    expect(dubbo.serviceKeys!(messageOf({ interface: SERVICE }))).toEqual([SERVICE.toLowerCase(), SERVICE]);
  });

  test.each([
    ['apache-dubbo-2.7.23-attachments.json', 'attachments-none', true],
    ['apache-dubbo-3.3.6-fastjson2.json', 'attachments-two', true],
    ['node-dubbo2.js-2.3.9.json', 'string', false],
    ['node-sofa-rpc-2.10.0-client.json', 'string', false],
  ])('knows from %s %s whether replies may have attachments: %s', (file, name, expected) => {
    const { request: frame, response } = entry(file, name);
    expect(dubbo.takesReplyMutation!(decoded(bytesOf(frame!)))).toBe(expected);
    // As the real provider judged.
    const real = response!.body?.kind ?? 4;
    expect(real >= 3).toBe(expected);
  });

  test('classifies replies', () => {
    const status = (frame: { base64: string } | null | undefined) =>
      dubbo.classify!(decoded(Buffer.from(frame!.base64, 'base64'), 'upstream'));
    expect(status(entry('apache-dubbo-2.7.23-failures.json', 'unknown-service').response)).toBe('framework');
    expect(status(entry('node-dubbo2.js-2.3.9.json', 'checked-exception').response)).toBe('business');
    expect(status(entry('node-dubbo2.js-2.3.9.json', 'string').response)).toBe('ok');
    const busy = entry('streams-2.7.23.json', 'thread-pool-exhausted').received!;
    expect(busy.map(status)).toEqual(['rejected', 'rejected', 'ok']);
  });

  test('tells how long the caller waits', () => {
    expect(dubbo.deadline!(request('apache-dubbo-3.3.6-attachments.json', 'attachments-two'))).toBe(3000);
    expect(dubbo.deadline!(request('apache-dubbo-2.7.23-attachments.json', 'attachments-two'))).toBeUndefined();
    for (const timeout of ['', 'soon', '-1', '0', '1e999', 'NaN']) {
      expect(dubbo.deadline!(withAttributes({ timeout }))).toBeUndefined();
    }
    expect(dubbo.deadline!(withAttributes({ timeout: '250' }))).toBe(250);
  });

  test('stamps what is left of the deadline, unless the request says it', () => {
    const stamp = (message: Message, remainingMs: number) =>
      dubbo.stamp!({ request: message, number: 1, remainingMs })?.lookup('timeout');
    const said = request('apache-dubbo-3.3.6-attachments.json', 'attachments-two');
    expect(stamp(said, Number.POSITIVE_INFINITY)).toBeUndefined();
    expect(stamp(said, 2999.4)).toBeUndefined();
    expect(stamp(said, 1200.9)).toBe('1200');
    expect(stamp(said, 0.2)).toBe('1');
    expect(stamp(request('apache-dubbo-2.7.23-attachments.json', 'attachments-two'), 800)).toBe('800');
    const java = bytesOf(entry('apache-dubbo-2.7.23-attachments.json', 'attachments-none').request!);
    java[2] = 0xc3;
    expect(stamp(decoded(java), 800)).toBeUndefined();
  });

  test('a provider that shuts down drains', () => {
    const { frames } = goldenEntries('events-3.3.6.json')[0]!;
    const meanings = frames!.map((frame) => {
      const message = decoded(bytesOf(frame), 'upstream');
      return [message.kind, dubbo.unsolicited!(message)];
    });
    expect(meanings).toEqual([...Array(4).fill(['heartbeat', 'ignore']), ['event', 'drain'], ['event', 'drain']]);
  });

  test('every failure has a status, and its text arrives', () => {
    const message = request('apache-dubbo-2.7.23-attachments.json', 'attachments-none');
    const statuses = Object.keys(FAILURES).map((code) => {
      const frame = Buffer.concat(
        dubbo.open('downstream').reject(message, { code, message: `${code}: why` }) as Buffer[],
      );
      const reply = decoded(frame, 'upstream');
      expect(frame.toString('latin1').endsWith(`meltemi: ${code}: why`)).toBe(true);
      return [code, `${reply.status} ${dubbo.classify!(reply)}`];
    });
    expect(Object.fromEntries(statuses)).toEqual({
      NO_SERVICE: '60 framework',
      NO_RULES: '80 framework',
      NO_ROUTE: '60 framework',
      NO_SIDECAR: '80 framework',
      NO_CLUSTER: '60 framework',
      NO_ENDPOINT: '80 framework',
      CONNECT_FAILED: '80 framework',
      CONNECTION_LOST: '80 framework',
      COLLATERAL: '80 framework',
      BAD_REPLY: '50 framework',
      REPLY_TOO_LARGE: '50 framework',
      BAD_REQUEST: '40 framework',
      DEADLINE: '31 framework',
      ATTEMPT_TIMEOUT: '31 framework',
      CIRCUIT_OPEN: '100 rejected',
      OVERFLOW: '100 rejected',
      RATE_LIMITED: '100 rejected',
      PACING_OVERFLOW: '100 rejected',
      FAULT: '80 framework',
      DENIED: '70 framework',
      DRAINING: '100 rejected',
      CANCELLED: '80 framework',
      ENCODE_FAILED: '40 framework',
      HANDLER_FAILED: '70 framework',
      INTERNAL: '80 framework',
    });
  });

  test('the npm clients raise a refusal as an error with our text', async () => {
    const message = request('apache-dubbo-2.7.23-attachments.json', 'attachments-none');
    const failure = { code: 'RATE_LIMITED', message: 'RATE_LIMITED: a rate limit refuses the request' };
    const frame = Buffer.concat(dubbo.open('downstream').reject(message, failure) as Buffer[]);
    const dubbo2 = require('dubbo2.js/es7/decode.js').decode(frame);
    expect([dubbo2.requestId, dubbo2.err.message]).toEqual([
      160,
      expect.stringContaining(`meltemi: ${failure.message}`),
    ]);
    const sofa = require('dubbo-remoting').decoder();
    const answered = new Promise<{ packetId: number; data: { error: Error } }>((resolve) =>
      sofa.once('response', resolve),
    );
    sofa.write(frame);
    const { packetId, data } = await answered;
    expect([packetId, data.error.message]).toEqual([160, `meltemi: ${failure.message}`]);
  });

  test('a reply over the limit is replaced and swallowed; its neighbours arrive', () => {
    const [small, large] = ['attachments-none', 'attachments-two'].map((name) =>
      bytesOf(entry('apache-dubbo-2.7.23-attachments.json', name).response!),
    );
    const codec = dubboProtocol({ maxMessageBytes: small!.length }).open('upstream');
    const input = new ByteQueue();
    const messages: Message[] = [];
    for (const byte of Buffer.concat([small!, large!, small!])) {
      input.push(Buffer.of(byte));
      const message = codec.decode(input);
      if (message !== null) messages.push(message);
      expect(input.length).toBeLessThan(small!.length);
    }
    expect(messages.map((it) => [it.kind, it.status, it.idLow])).toEqual([
      ['response', '20', 160],
      ['error', '50', 161],
      ['response', '20', 160],
    ]);
    expect(String(messages[1]!.bytes[0])).toContain(
      `meltemi: REPLY_TOO_LARGE: the reply has ${large!.length} bytes, the limit is ${small!.length}`,
    );
  });

  test('a request over the limit ends the connection', () => {
    const bytes = bytesOf(entry('apache-dubbo-2.7.23-attachments.json', 'attachments-none').request!);
    const input = new ByteQueue();
    input.push(bytes.subarray(0, 16));
    expect(() => dubbo.open('downstream', { maxMessageBytes: 100 }).decode(input)).toThrow(
      '249 bytes, by the length at byte 12; the limit is 100',
    );
  });
});
