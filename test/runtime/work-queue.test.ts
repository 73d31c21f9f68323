import { describe, expect, test } from '@jest/globals';
import { finish, type Work, WorkQueue } from '../../src/runtime/index.js';

/** Steps that are made in any case: see `work-queue.ts`. */
const AT_ONCE = 100;
/** A slice of 2.5 ms has room for so many steps of 1 ms, the one that oversteps it included. */
const STEPS = 3;

/** A queue whose every step takes a millisecond of a clock that nothing else moves. */
function start() {
  const clock = { ms: 0, now: () => clock.ms };
  const failures: unknown[] = [];
  const queue = new WorkQueue(clock, (thrown) => failures.push(thrown));
  const done: string[] = [];
  let steps = 0;
  function* work(name: string, length: number, end = () => {}): Work {
    for (let i = 0; i < length; i++) {
      clock.ms++;
      steps++;
      yield;
    }
    done.push(name);
    end();
  }
  /** Steps made until now. */
  return { queue, work, done, failures, clock, made: () => steps };
}

function deferred() {
  let resolve!: (value: unknown) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise((...both) => {
    [resolve, reject] = both;
  });
  return { promise, resolve, reject };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a work queue', () => {
  test('does what is small at once, whatever the clock says', () => {
    const { queue, work, done } = start();
    queue.add(work('a', AT_ONCE - 1));
    expect(done).toEqual(['a']);
    expect(queue.idle).toBe(true);
  });

  test('does the rest in slices, a turn of the event loop each', async () => {
    const { queue, work, done, made } = start();
    queue.add(work('a', AT_ONCE + 2 * STEPS + 1));
    expect(made()).toBe(AT_ONCE);
    await turn();
    expect(made()).toBe(AT_ONCE + STEPS);
    expect(done).toEqual([]);
    await turn();
    expect(made()).toBe(AT_ONCE + 2 * STEPS);
    await turn();
    expect(done).toEqual(['a']);
    expect(queue.idle).toBe(true);
  });

  test('goes on as long as the clock allows', () => {
    const { queue, work, done, clock } = start();
    const begun = clock.ms;
    function* quick(): Work {
      for (let i = 0; i < 10_000; i++) yield;
      done.push('quick');
    }
    queue.add(quick());
    expect(clock.ms).toBe(begun);
    expect(done).toEqual(['quick']);
    queue.add(work('b', 1));
    expect(done).toEqual(['quick', 'b']);
  });

  test('does one piece after the other, in order', async () => {
    const { queue, work, done } = start();
    queue.add(work('a', AT_ONCE + 10));
    queue.add(work('b', 0));
    queue.add(work('c', 5));
    expect(done).toEqual([]);
    while (!queue.idle) await turn();
    expect(done).toEqual(['a', 'b', 'c']);
  });

  test('has one slice for all that is added in one turn, and another in the next', async () => {
    const { queue, work, done, made } = start();
    for (let i = 0; i < AT_ONCE; i++) queue.add(work(`${i}`, 1));
    expect(done.length).toBeLessThan(AT_ONCE);
    expect(made()).toBeLessThanOrEqual(AT_ONCE);
    while (!queue.idle) await turn();
    expect(done).toEqual(Array.from({ length: AT_ONCE }, (_, i) => `${i}`));
    await turn();
    queue.add(work('next', AT_ONCE - 1));
    expect(done.at(-1)).toBe('next');
  });

  test('waits for what work waits for, kept or not, and so does what was added after it', async () => {
    const { queue, work, done } = start();
    function* waiting(until: Promise<unknown>): Work {
      done.push('begun');
      yield until;
      done.push('gone on');
    }
    for (const settle of ['resolve', 'reject'] as const) {
      const { promise, ...settled } = deferred();
      queue.add(waiting(promise));
      queue.add(work('next', 1));
      for (let turns = 0; turns < 3; turns++) await turn();
      expect(done.splice(0)).toEqual(['begun']);
      expect(queue.idle).toBe(false);
      settled[settle](new Error('no good'));
      await turn();
      expect(done.splice(0)).toEqual(['gone on', 'next']);
      expect(queue.idle).toBe(true);
    }
  });

  test('closed while work waits, does nothing more', async () => {
    const { queue, work, done } = start();
    function* waiting(until: Promise<unknown>): Work {
      yield until;
      done.push('gone on');
    }
    queue.add(waiting(Promise.resolve()));
    queue.add(work('next', 1));
    queue.close();
    await turn();
    expect(done).toEqual([]);
  });

  test('takes work that work adds in its turn', () => {
    const { queue, work, done } = start();
    queue.add(work('a', 1, () => queue.add(work('b', 1, () => queue.add(work('c', 1))))));
    expect(done).toEqual(['a', 'b', 'c']);
  });

  test('tells of what work throws, and goes on with the next', async () => {
    const { queue, work, done, failures } = start();
    const fail = () => {
      throw new Error('no good');
    };
    queue.add(work('a', AT_ONCE + 3, fail));
    queue.add(work('b', 1));
    while (!queue.idle) await turn();
    expect(done).toEqual(['a', 'b']);
    expect(failures).toEqual([new Error('no good')]);
  });

  test('throws it to who added it if nobody is to be told, and is not stuck', () => {
    const queue = new WorkQueue({ now: () => 0 });
    function* fail(): Work {
      yield;
      throw new Error('no good');
    }
    expect(() => queue.add(fail())).toThrow('no good');
    expect(queue.idle).toBe(true);
  });

  test('closed in the middle, does nothing more', async () => {
    const { queue, work, done, made } = start();
    queue.add(work('a', AT_ONCE + 10));
    queue.add(work('b', 1));
    queue.close();
    queue.add(work('c', 1));
    await turn();
    await turn();
    expect(made()).toBe(AT_ONCE);
    expect(done).toEqual([]);
    expect(queue.idle).toBe(true);
  });

  test('closed by its own work, ends there', () => {
    const { queue, work, done } = start();
    queue.add(work('a', 1, () => queue.close()));
    queue.add(work('b', 1));
    expect(done).toEqual(['a']);
  });
});

test('work can be done in one go, for what it makes', () => {
  function* sum(): Work<number> {
    yield;
    return 3;
  }
  expect(finish(sum())).toBe(3);
});
