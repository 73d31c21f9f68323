import { measure } from 'mitata';
import { dubbo } from '../../adapters/protocols/dubbo/index.js';
import { ByteQueue, Mutation } from '../../src/message/index.js';
import { RouteTable } from '../../src/routing/index.js';
import { requestFrame } from '../kit/frames.js';
import { kept } from '../kit/measure.js';
import { type Row, type Suite, us } from '../kit/row.js';
import { clusterNameOf, routesByMethod } from '../kit/rules.js';

/** As sockets deliver a large frame. */
const CHUNK = 65_536;

export const codec: Suite = {
  name: 'codec',
  about: 'Dubbo: decode, route among 1,000 by method, encode with another id',
  budgets: false,
  async run() {
    return [...(await rowsOf('20 B', 20)), ...(await rowsOf('120 KB', 120_000))];
  },
};

async function rowsOf(size: string, bytes: number): Promise<Row[]> {
  const frame = requestFrame(bytes);
  const chunks: Buffer[] = [];
  for (let at = 0; at < frame.length; at += CHUNK) chunks.push(frame.subarray(at, at + CHUNK));
  const table = new RouteTable(routesByMethod(1000, clusterNameOf('demo')));
  const mutation = Mutation.of([['env', 'prod']]);
  const reading = dubbo.open('downstream');
  const writing = dubbo.open('upstream');
  const queue = new ByteQueue();
  const id = { idHigh: 0, idLow: 1 };
  const once = (mutate?: Mutation) => () => {
    for (let i = 0; i < chunks.length; i++) queue.push(chunks[i]!);
    const message = reading.decode(queue)!;
    table.match(message);
    id.idLow = (id.idLow + 1) | 1;
    kept.value = writing.encode(message, id, mutate);
  };
  const copy = await measure(() => {
    kept.value = Buffer.from(frame);
  });
  const group = `a message of ${size}; ratio to copying it once`;
  const row = (name: string, ns: number): Row => ({
    group,
    name: `${size}: ${name}`,
    value: us(ns),
    unit: 'µs',
    ratio: ns / copy.min,
  });
  return [
    row('copied once', copy.min),
    row('decode, route, encode', (await measure(once())).min),
    row('the same with an attachment added', (await measure(once(mutation))).min),
  ];
}
