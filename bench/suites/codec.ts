import { measure } from 'mitata';
import { ByteQueue, Mutation } from '../../src/message/index.js';
import { RouteTable } from '../../src/routing/index.js';
import { kept } from '../kit/measure.js';
import { CODEC_SUBJECTS, type CodecSubject } from '../kit/protocols.js';
import { type Row, type Suite, us } from '../kit/row.js';
import { clusterNameOf, route } from '../kit/rules.js';

/** As sockets deliver a large frame. */
const CHUNK = 65_536;

/** A small message must cost no more than so many µs. */
const LIMIT_US = 2;

const SIZES = [
  { size: '20 B', bytes: 20 },
  { size: '1 KB', bytes: 1024 },
  { size: '120 KB', bytes: 120_000 },
] as const;

/** One for each protocol, in a process of its own: no other's messages are in its way. */
export const codecs: readonly Suite[] = CODEC_SUBJECTS.map((subject) => ({
  name: `codec-${subject.name}`,
  about: `${subject.about}: decode, route among 1,000 by ${subject.key}, encode with another id`,
  budgets: true,
  async run() {
    const rows: Row[] = [];
    for (const { size, bytes } of SIZES) rows.push(...(await rowsOf(subject, size, bytes)));
    return rows;
  },
}));

async function rowsOf(subject: CodecSubject, size: string, bytes: number): Promise<Row[]> {
  const frame = subject.request(bytes);
  const chunks: Buffer[] = [];
  for (let at = 0; at < frame.length; at += CHUNK) chunks.push(frame.subarray(at, at + CHUNK));
  const table = new RouteTable(routesBy(subject));
  const mutation = Mutation.of([['env', 'prod']]);
  const reading = subject.protocol.open('downstream');
  const writing = subject.protocol.open('upstream');
  const queue = new ByteQueue();
  const id = { idHigh: 0, idLow: 1 };
  const once = (mutate?: Mutation) => () => {
    for (let i = 0; i < chunks.length; i++) queue.push(chunks[i]!);
    const message = reading.decode(queue)!;
    if (table.match(message) === undefined) throw new Error('no route matches');
    id.idLow = (id.idLow + 1) | 1;
    kept.value = writing.encode(message, id, mutate);
  };
  const copy = await measure(() => {
    kept.value = Buffer.from(frame);
  });
  const row = (name: string, ns: number, limit?: number): Row => ({
    group: `a message of ${size}; ratio to copying it once`,
    name: `${size}: ${name}`,
    value: us(ns),
    unit: 'µs',
    ratio: ns / copy.min,
    ...(limit === undefined ? {} : { limit }),
  });
  const rows = [
    row('copied once', copy.min),
    row('decode, route, encode', (await measure(once())).min, bytes === 20 ? LIMIT_US : undefined),
  ];
  if (subject.mutable) rows.push(row('the same with an attribute added', (await measure(once(mutation))).min));
  return rows;
}

function routesBy({ key, value }: CodecSubject) {
  return Array.from({ length: 1000 }, (_, i) => {
    const wanted = i === 999 ? value : `${value}${i}`;
    return route(`route-${i}`, clusterNameOf('demo'), undefined, {
      match: [{ key, kind: 'exact', value: wanted }],
    });
  });
}
