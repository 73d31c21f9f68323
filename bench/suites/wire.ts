import { opossum } from '../../adapters/engines/opossum.js';
import { dubbo } from '../../adapters/protocols/dubbo/index.js';
import { createMesh, type Mesh } from '../../src/index.js';
import { MemoryNetwork } from '../../src/testing/index.js';
import { RawClient, serveEcho } from '../kit/echo.js';
import { decoded, requestFrame } from '../kit/frames.js';
import { cpuOf, type Work } from '../kit/measure.js';
import { type Row, type Suite, us } from '../kit/row.js';
import type { CodeSource } from '../kit/rules.js';
import { DESTINATION, fullRules, plainRules } from '../kit/stub-mesh.js';

const frame = requestFrame();
const WINDOW = 64;

/**
 * All of the mesh but the kernel: a client writes bytes, the mesh decodes, plans, encodes and sends them, a provider in the same
 * process answers. The client's and the provider's own work, and a pair of streams, are in the baseline too.
 */
export const wire: Suite = {
  name: 'wire',
  about: `bytes to bytes over in-process streams, ${WINDOW} calls at a time`,
  budgets: false,
  async run() {
    const network = new MemoryNetwork();
    const listening: (() => void)[] = [];
    for (let i = 0; i < 10; i++) {
      listening.push(network.listen({ host: `10.0.0.${i}`, port: DESTINATION.port }, (socket) => serveEcho(socket)));
    }
    const plain = await meshOver(plainRules(), network);
    const full = await meshOver(fullRules(), network);
    const direct = new RawClient(network.connect({ host: '10.0.0.0', port: DESTINATION.port }));
    const through = ({ connect }: Pick<Mesh, 'connect'>) => new RawClient(connect(DESTINATION.host, DESTINATION.port));
    const base = 'client and provider, no mesh';
    const subjects = [
      { name: base, run: byClient(direct) },
      { name: 'through mesh.connect, plain plan', run: byClient(through(bound(plain))) },
      { name: 'through mesh.connect, full plan', run: byClient(through(bound(full))) },
      { name: 'by mesh.call, plain plan', run: byCalls(plain) },
      { name: 'by mesh.call, full plan', run: byCalls(full) },
    ];
    const cpu = await cpuOf(subjects.map((it) => ({ ...it, count: 5_000 })));
    const group = 'CPU a call; ratio to no mesh';
    const ns = cpu.get(base)!;
    const rows: Row[] = subjects.map(({ name }) => {
      const value = cpu.get(name)!;
      return { group, name, value: us(value), unit: 'µs', ratio: value / ns };
    });
    return rows;
  },
};

async function meshOver(source: CodeSource, transport: MemoryNetwork): Promise<Mesh> {
  const mesh = createMesh({ sources: [source], protocols: [dubbo], engines: { breaker: opossum() }, transport });
  await mesh.ready();
  return mesh;
}

function bound(mesh: Mesh): Pick<Mesh, 'connect'> {
  return { connect: (host, port) => mesh.connect(host, port) };
}

function byClient(client: RawClient): Work {
  return (count) => client.calls(frame, count, WINDOW);
}

function byCalls(mesh: Mesh): Work {
  return (count) =>
    new Promise((resolve, reject) => {
      let sent = 0;
      let answered = 0;
      const send = (): void => {
        sent++;
        mesh.call(DESTINATION, decoded(frame)).subscribe({ error: reject, complete: next });
      };
      const next = (): void => {
        if (++answered === count) resolve();
        else if (sent < count) send();
      };
      while (sent < WINDOW) send();
    });
}
