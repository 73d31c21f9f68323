import { Edge } from '../kit/edge.js';
import { decoded, requestFrame } from '../kit/frames.js';
import { allocatedBy, cpuOf } from '../kit/measure.js';
import { naiveChain } from '../kit/naive-chain.js';
import { type Row, type Suite, us } from '../kit/row.js';
import { DESTINATION, fullRules, plainRules, type StubMesh, stubMesh } from '../kit/stub-mesh.js';

const frame = requestFrame();

/** `mesh.call`, each answered before the next. */
function caller({ mesh, upstream }: StubMesh): (count: number) => void {
  const observer = {
    next: () => {},
    error: (error: unknown) => {
      throw error;
    },
  };
  return (count) => {
    for (let i = 0; i < count; i++) {
      mesh.call(DESTINATION, decoded(frame)).subscribe(observer);
      upstream.answerOldest();
    }
  };
}

/** The whole of a call but for the wire. */
export const plan: Suite = {
  name: 'plan',
  about: 'one side of a call, from its bytes to its outcome, upstream stubbed',
  budgets: true,
  async run() {
    const plain = await stubMesh(plainRules());
    const full = await stubMesh(fullRules());
    const subjects = [
      {
        name: 'no mesh: decode alone',
        run: (count: number) => {
          for (let i = 0; i < count; i++) decoded(frame).getLower('method');
        },
      },
      { name: 'plain plan (limit, pick, count)', run: new Edge(plain, frame).run },
      { name: 'full plan (every stage, timeouts, retry, breaker)', run: new Edge(full, frame).run },
      { name: 'plain plan by mesh.call', run: caller(plain) },
      { name: 'full plan by mesh.call', run: caller(full) },
      { name: 'naive RxJS chain, an operator a stage', run: naiveChain(() => decoded(frame), 1000) },
    ];
    const limits: Record<string, readonly [us: number, bytes: number]> = {
      'plain plan (limit, pick, count)': [1.5, 1024],
      'full plan (every stage, timeouts, retry, breaker)': [3, 1536],
    };
    const cpu = await cpuOf(subjects);
    const naive = cpu.get('naive RxJS chain, an operator a stage')!;
    const rows: Row[] = [];
    for (const { name } of subjects) {
      const ns = cpu.get(name)!;
      const limit = limits[name]?.[0];
      rows.push({
        group: 'CPU a call; ratio to the naive chain',
        name,
        value: us(ns),
        unit: 'µs',
        ratio: ns / naive,
        ...(limit && { limit }),
      });
    }
    const bytes = subjects.map(({ name, run }) => [name, allocatedBy(run)] as const);
    const naiveBytes = bytes.at(-1)![1];
    for (const [name, value] of bytes) {
      const limit = limits[name]?.[1];
      rows.push({
        group: 'allocated a call; ratio to the naive chain',
        name,
        value,
        unit: 'B',
        ratio: value / naiveBytes,
        ...(limit && { limit }),
      });
    }
    return rows;
  },
};
