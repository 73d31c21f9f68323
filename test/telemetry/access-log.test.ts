import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Call, Failure, type Outcome, Reply } from '../../src/call/index.js';
import { Message } from '../../src/message/index.js';
import { AccessLog, type EndedCall } from '../../src/telemetry/index.js';
import { OPERATORS } from '../../src/telemetry/log-format.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { FakeAttempt, FakePass, message, PROTOCOL, reply } from '../policy/support.js';

class Out {
  text = '';
  ready = true;
  drain: (() => void) | undefined;

  write(text: string): boolean {
    this.text += text;
    return this.ready;
  }

  once(_event: 'drain', listener: () => void): void {
    this.drain = listener;
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

function ended(attributes: Record<string, string> = {}, outcome: Outcome = reply()): EndedCall {
  const request = message({ interface: 'Demo', 'x-request-id': 'abc', ...attributes });
  const call = new Call(
    request,
    PROTOCOL,
    { host: 'demo', port: 20880 },
    { reply() {}, fail() {} },
    {
      address: '10.1.1.1:4711',
      identity: undefined,
      verifiedBy: 'none',
    },
  );
  const pass = new FakePass(call);
  const attempt = new FakeAttempt(pass);
  attempt.target = { address: '10.0.0.1:20880', release() {} };
  return { call, service: 'demo_20880', pass, outcome, startedAt: 1_704_067_200_123, durationMs: 4.6 };
}

describe('access log', () => {
  let runtime: ManualRuntime;
  let out: Out;

  beforeEach(() => {
    runtime = new ManualRuntime();
    out = new Out();
  });

  function line(format: string | Record<string, string>, of: EndedCall = ended(), redact?: string[]): string {
    const log = new AccessLog({ format, out, runtime, ...(redact === undefined ? {} : { redact }) });
    log.record(of);
    log.close();
    return out.lines.at(-1)!;
  }

  test('the default line', () => {
    const log = new AccessLog({ out, runtime });
    log.record(ended());
    log.record({ ...ended({}, new Failure('NO_ROUTE')), pass: undefined });
    expect(out.text).toBe('');
    runtime.advance(5);
    expect(out.lines).toEqual([
      '[2024-01-01T00:00:00.123Z] test 0 - - "Demo/sayHello" 0 0 5 "abc" outbound|20880|v1|demo 10.0.0.1:20880 demo:20880 10.1.1.1:4711 r1',
      '[2024-01-01T00:00:00.123Z] test 1 no_matched_route NR "Demo/sayHello" 0 0 5 "abc" - - demo:20880 10.1.1.1:4711 -',
    ]);
    expect(runtime.pending).toBe(0);
  });

  test.each<[string, string, Outcome]>([
    ['%REQ(INTERFACE)%', 'Demo', reply()],
    ['%REQ(nope?interface)%', 'Demo', reply()],
    ['%REQ(interface):2%', 'De', reply()],
    ['%REQ(nope)%', '-', reply()],
    ['%REQ(X-META-PROTOCOL-APPLICATION-PROTOCOL)%', 'test', reply()],
    ['100%% %UPSTREAM_REQUEST_ATTEMPT_COUNT%', '100% 1', reply()],
    ['%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%', '10.1.1.1', reply()],
    ['%RESPONSE_CODE% %RESPONSE_CODE_DETAILS%', '0 business', reply('business')],
    ['%RESPONSE_CODE% %RESPONSE_CODE_DETAILS%', '0 framework', reply('framework')],
    ['%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%', 'RL rate_limited', new Failure('RATE_LIMITED')],
    ['%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%', 'UH no_healthy_upstream', new Failure('NO_ENDPOINT')],
    [
      '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
      'CONNECT_FAILED: 10.0.0.1:20880 refused',
      new Failure('CONNECT_FAILED', { reason: '10.0.0.1:20880 refused' }),
    ],
    ['%RESP(foo)%', 'bar', new Reply(message({ foo: 'bar' }, 'response'))],
    ['%RESP(foo)%', '-', new Failure('DEADLINE')],
  ])('%s → %s', (format, expected, outcome) => {
    expect(line(format, ended({}, outcome))).toBe(expected);
  });

  test('bytes are those received from and sent to the caller', () => {
    const reader = { operation: () => '', get: () => undefined, keys: () => [] };
    const sized = (bytes: number) => new Message('request', [Buffer.alloc(bytes)], reader, 0, 7);
    const call = new Call(sized(120), PROTOCOL, { host: 'h', port: 1 }, { reply() {}, fail() {} });
    const of = { ...ended({}, new Reply(sized(30))), call };
    expect(line('%BYTES_RECEIVED% %BYTES_SENT% %REQUEST_ID%', of)).toBe('120 30 7');
  });

  test.each([
    ['%NOPE%', 'there is no operator %NOPE%'],
    ['%START_TIME(%s)%', 'there is no operator %START_TIME(%'],
    ['%DURATION(x)%', '%DURATION% takes no argument'],
    ['%REQ%', '%REQ% wants a key'],
    ['%REQ(a?)%', '%REQ% wants a key'],
    ['%DURATION', 'has no closing %'],
    ['%constructor%', 'there is no operator %constructor%'],
  ])('refuses %s', (format, reason) => {
    expect(() => new AccessLog({ format, out, runtime })).toThrow(reason);
  });

  test('values cannot forge lines, fields or terminal codes', () => {
    const nasty = 'a"b\\c\nd\u001b[2J\u009b';
    expect(line('"%REQ(x)%"', ended({ x: nasty }))).toBe('"a\\"b\\\\c\\nd\\u001b[2J\\u009b"');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (value) => {
        const text = line('"%REQ(x)%" end', ended({ x: value }));
        expect(text).toMatch(/^"(?:[^"\\]|\\.)*" end$/);
        const json = line({ x: '%REQ(x)%' }, ended({ x: value }));
        expect(JSON.parse(json)).toEqual({ x: value.slice(0, 1024) });
        for (const written of [text, json]) expect(written).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      }),
    );
  });

  test('JSON keeps numbers, has null for what is missing, and mixes text', () => {
    const format = {
      code: '%RESPONSE_CODE%',
      ms: '%DURATION%',
      none: '%REQ(nope)%',
      who: 'to %UPSTREAM_HOST% %REQ(no)%',
    };
    expect(line(format)).toBe('{"code":0,"ms":5,"none":null,"who":"to 10.0.0.1:20880 -"}');
  });

  test('secrets are redacted, more by configuration', () => {
    const of = ended({ authorization: 'Bearer x', tenant: 'acme' });
    expect(line('%REQ(Authorization)% %REQ(tenant)% %REQ(cookie)%', of)).toBe('<redacted> acme -');
    expect(line('%REQ(authorization)% %REQ(tenant)%', of, ['Tenant'])).toBe('Bearer x <redacted>');
  });

  test('a burst is written in batches; what does not fit is dropped and counted', () => {
    const log = new AccessLog({ format: '%DURATION%', out, runtime });
    for (let i = 0; i < 5000; i++) log.record(ended());
    expect(log.dropped).toBe(5000 - 4096);
    runtime.timers.arm(0, { expired: () => expect(out.lines).toHaveLength(512) });
    runtime.advance(0);
    expect(out.lines).toHaveLength(4096);
  });

  test('a stream that has enough is waited for; lines beyond a megabyte are dropped', () => {
    const log = new AccessLog({ format: 'x'.repeat(1023), out, runtime });
    out.ready = false;
    log.record(ended());
    runtime.advance(5);
    expect(out.lines).toHaveLength(1);
    for (let i = 0; i < 1500; i++) log.record(ended());
    runtime.advance(5);
    expect(out.lines).toHaveLength(1);
    expect(log.dropped).toBe(1500 - 1024);
    out.ready = true;
    out.drain!();
    expect(out.lines).toHaveLength(1025);
  });

  test('a message whose attributes cannot be read costs its line and no other', () => {
    const reader = {
      operation: () => '',
      get: () => {
        throw new RangeError('cut short');
      },
      keys: () => [],
    };
    const call = new Call(
      new Message('request', [], reader),
      PROTOCOL,
      { host: 'h', port: 1 },
      { reply() {}, fail() {} },
    );
    const log = new AccessLog({ format: '%REQ(a)% %DURATION%', out, runtime });
    log.record({ ...ended(), call });
    log.record(ended());
    runtime.advance(5);
    expect(out.lines).toEqual(['no line: RangeError while reading an attribute', '- 5']);
  });

  test('every operator has a value or a dash for a call that went nowhere', () => {
    const nowhere = { ...ended({}, new Failure('NO_ROUTE')), pass: undefined };
    for (const operator of OPERATORS) expect(line(`%${operator}%`, nowhere)).not.toBe('');
  });
});
