import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { jsonbPart, jsonbString } from '../../../../adapters/protocols/dubbo/fastjson2/writer.js';
import { dubbo } from '../../../../adapters/protocols/dubbo/index.js';
import { Mutation } from '../../../../src/message/index.js';
import { bytesOf, decoded, goldenEntries } from './golden.js';

const SERVICE = 'org.apache.dubbo.samples.basic.api.DemoService';
const entries = goldenEntries('apache-dubbo-3.3.6-fastjson2.json');
const maps: { type: string; linked: string; plain: string }[] = JSON.parse(
  readFileSync(new URL('../../../golden/dubbo/jsonb/maps.json', import.meta.url), 'utf8'),
);

/** A request whose attachments are this map. */
function requestWith(map: Buffer, parts: readonly Buffer[] = []): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(map.length);
  const head = ['2.0.2', SERVICE, '', 'hello', parts.length > 0 ? 'Ljava/lang/Object;' : ''].map(jsonbPart);
  const body = Buffer.concat([...head, ...parts, length, map]);
  const header = Buffer.from('dabbd700000000000000000100000000', 'hex');
  header.writeInt32BE(body.length, 12);
  return Buffer.concat([header, body]);
}

describe('fastjson2', () => {
  test('recorded requests tell path, version, method and attachments', () => {
    const told = entries.map(({ request }) => {
      const message = decoded(bytesOf(request!));
      return [message.kind, message.operation, message.get('version'), message.get('Remote.Application')];
    });
    const plain = (method: string, kind = 'request') => [kind, `${SERVICE}/${method}`, '0.0.0', 'demo-consumer'];
    expect(told).toEqual([
      plain('failRuntime'),
      plain('overloaded'),
      plain('fire', 'oneway'),
      plain('slow'),
      plain('attachments'),
      plain('replyAttachments'),
    ]);
    const attachments = entries.find((it) => it.name.endsWith('/attachments-two'))!;
    const sent = decoded(bytesOf(attachments.request!));
    for (const [key, value] of Object.entries(attachments.call!.result as Record<string, string>)) {
      if (key !== 'input') expect({ key, value: sent.get(key) }).toEqual({ key, value });
    }
  });

  test('recorded replies tell their kind and attachments', () => {
    const told = entries.map(({ response }) => {
      if (response == null) return undefined;
      const message = decoded(bytesOf(response), 'upstream');
      return [message.kind, dubbo.classify!(message), message.get('dubbo'), message.get('served-by')];
    });
    const ok = ['response', 'ok', '2.0.2', undefined];
    expect(told).toEqual([
      ['error', 'business', '2.0.2', undefined],
      ok,
      undefined,
      ok,
      ok,
      ['response', 'ok', '2.0.2', 'provider-3.3'],
    ]);
  });

  test.each(maps)('attachments behind a $type are found', ({ linked, plain }) => {
    for (const map of [linked, plain]) {
      const message = decoded(requestWith(Buffer.from(map, 'base64')));
      expect([message.get('before'), message.get('after')]).toEqual(['b', 'z']);
      expect(message.get('version')).toBe('0.0.0');
    }
  });

  test.each(maps)('a $type is deleted, or overridden by null', ({ linked, plain }) => {
    for (const map of [linked, plain]) {
      const message = decoded(requestWith(Buffer.from(map, 'base64')));
      const sent = decoded(
        Buffer.concat(dubbo.open('upstream').encode(message, message, new Mutation().delete('V').set('v2', 'x'))),
      );
      expect(['before', 'v', 'after', 'v2'].map((key) => sent.get(key))).toEqual(['b', undefined, 'z', 'x']);
    }
  });

  test.each([
    ['null', Buffer.of(0xaf)],
    ['empty', Buffer.of(0xa6, 0xa5)],
  ])('attributes are set where attachments are %s', (_, map) => {
    const message = decoded(requestWith(map));
    const sent = Buffer.concat(dubbo.open('upstream').encode(message, message, new Mutation().set('a', '1')));
    expect(sent).toEqual(
      requestWith(Buffer.concat([Buffer.of(0xa6), jsonbString('a'), jsonbString('1'), Buffer.of(0xa5)])),
    );
  });

  test('attributes are set where attachments are missing', () => {
    const whole = requestWith(Buffer.of(0xaf));
    const cut = Buffer.from(whole.subarray(0, -5));
    cut.writeInt32BE(cut.length - 16, 12);
    const sent = Buffer.concat(dubbo.open('upstream').encode(decoded(cut), undefined, new Mutation().set('a', '1')));
    expect(decoded(sent).get('a')).toBe('1');
  });

  test.each(['', 'x'.repeat(47), 'x'.repeat(48), 'x'.repeat(2048), 'x'.repeat(300_000), 'é', '微风 😀'.repeat(999)])(
    'a string is written as it is read (%#)',
    (value) => {
      const message = decoded(requestWith(Buffer.of(0xa6, 0xa5)));
      const sent = Buffer.concat(dubbo.open('upstream').encode(message, undefined, new Mutation().set('微', value)));
      expect(decoded(sent).get('微')).toBe(value);
    },
  );

  test('a large argument is neither joined nor copied to set an attribute', () => {
    const argument = Buffer.alloc(120_000, 0x01);
    const length = Buffer.alloc(4);
    length.writeInt32BE(argument.length);
    const whole = requestWith(Buffer.of(0xa6, 0xa5), [Buffer.concat([length, argument])]);
    const message = decoded(whole, 'downstream', [40_000, 90_000]);
    expect(message.bytes.length).toBe(3);
    const sent = dubbo.open('upstream').encode(message, undefined, new Mutation().set('a', '1'));
    expect(message.bytes.length).toBe(3);
    expect(
      sent.filter((it) => message.bytes.some((segment) => segment.buffer === it.buffer)).length,
    ).toBeGreaterThanOrEqual(3);
    expect(decoded(Buffer.concat(sent)).get('a')).toBe('1');
  });

  test('a refusal is in fastjson2 too', () => {
    const message = decoded(requestWith(Buffer.of(0xaf)));
    const refusal = Buffer.concat(
      dubbo.open('downstream').reject(message, { code: 'DEADLINE', message: 'DEADLINE: late' }) as Buffer[],
    );
    expect(refusal.toString('latin1', 16)).toBe('\0\0\0\x18\x60meltemi: DEADLINE: late');
    expect([refusal[2], refusal[3]]).toEqual([23, 31]);
  });
});
