import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { PROTOCOLS as KNOWN } from '../../adapters/node/protocols.js';
import { loadRules } from '../../adapters/sources/file/index.js';
import { exchange, METHOD, PROTOCOLS } from '../../bench/peer/kit/exchanges.js';
import { FrameReader } from '../../bench/peer/kit/frame-reader.js';
import { hostOf, rulesOf } from '../../bench/peer/kit/rules.js';
import { filled, MAX_ID, tokenOf } from '../../bench/peer/kit/wire.js';
import { ByteQueue } from '../../src/message/index.js';

const ID = 0x7654321;

function reply(protocol: (typeof PROTOCOLS)[number], size: number) {
  const { wire, reply: template } = exchange(protocol, size);
  const frame = Buffer.concat(filled(template, wire, wire.replyTokenAt, ID, tokenOf(ID)));
  const seen: [id: number, token: number, length: number, intact: boolean][] = [];
  const reader = new FrameReader(wire, wire.replyTokenAt, (...frame) => seen.push(frame), template);
  return { wire, frame, seen, reader };
}

test('bench:peer: its server passes over heartbeats', async () => {
  const { wire, request } = exchange('dubbo', 20);
  const heartbeat = Buffer.concat((await KNOWN.get('dubbo')!()).heartbeat!());
  const call = Buffer.concat(filled(request, wire, wire.requestTokenAt, ID, tokenOf(ID)));
  const seen: number[] = [];
  const reader = new FrameReader(wire, wire.requestTokenAt, (id) => seen.push(id));
  for (const chunk of [call, heartbeat, heartbeat, Buffer.concat([heartbeat, call]), call]) reader.push(chunk);
  expect(seen).toEqual([ID, ID, ID]);
});

describe.each(PROTOCOLS)('bench:peer, %s', (protocol) => {
  test.each([20, 1024, 122_880])('its request and reply of %i bytes are calls of the protocol', async (size) => {
    const { request, reply } = exchange(protocol, size);
    const codec = (await KNOWN.get(protocol)!()).open('downstream');
    for (const [frame, kind] of [
      [request, 'request'],
      [reply, 'response'],
    ] as const) {
      const queue = new ByteQueue();
      queue.push(frame);
      const message = codec.decode(queue)!;
      expect(message.kind).toBe(kind);
      expect(message.size).toBe(frame.length);
      if (kind === 'request') expect(message.get('method')).toBe(METHOD);
    }
  });

  test('frames are read whole wherever chunks end', () => {
    const { frame, seen, reader } = reply(protocol, 20);
    const three = Buffer.concat([frame, frame, frame]);
    for (let a = 0; a < frame.length; a++) {
      seen.length = 0;
      for (const [from, to] of [
        [0, a],
        [a, 2 * a],
        [2 * a, three.length],
      ] as const)
        reader.push(three.subarray(from, to));
      expect(seen).toEqual(Array(3).fill([ID, tokenOf(ID), frame.length, true]));
    }
  });

  test('a reply that differs in any byte is not what was expected', () => {
    const { wire, frame, seen, reader } = reply(protocol, 1024);
    const ofLength = [0, 1, 2, 3].map((i) => wire.lengthAt + i);
    for (let at = 0; at < frame.length; at++) {
      if (ofLength.includes(at)) continue;
      seen.length = 0;
      const wrong = Buffer.from(frame);
      wrong[at]! ^= 1;
      reader.push(wrong);
      const [id, token, , intact] = seen[0]!;
      expect(intact && id === ID && token === tokenOf(ID)).toBe(false);
    }
  });
});

describe('bench:peer', () => {
  test('tokens are text, and tell calls apart', () => {
    for (let id = 1; id < MAX_ID; id = id * 3 + 1) {
      const token = tokenOf(id);
      expect(token & 0x80808080).toBe(0);
      expect(token).not.toBe(tokenOf(id - 1));
    }
    expect(tokenOf(MAX_ID)).toBe(0x7f7f7f7f);
  });

  test('the rules of our legs are clean', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bench-rules-'));
    try {
      const file = join(folder, 'rules.yaml');
      const services = PROTOCOLS.map((it) => ({ host: hostOf(it, 'server'), protocol: it, ports: [1, 2] }));
      writeFileSync(file, rulesOf(services));
      const { usable, problems } = await loadRules([file]);
      expect({ usable, problems }).toEqual({ usable: true, problems: [] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
