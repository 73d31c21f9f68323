import { expect, test } from '@jest/globals';
import { Detection } from '../../../src/mesh/placement/detection.js';
import { ManualRuntime } from '../../../src/testing/index.js';

/** A question that a test answers. */
function asked() {
  const answers: ((present: boolean) => void)[] = [];
  const detect = () => new Promise<boolean>((resolve) => answers.push(resolve));
  return { answers, detect };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('asks at the start, and not again if there is one', async () => {
  const runtime = new ManualRuntime();
  const { answers, detect } = asked();
  const told: boolean[] = [];
  const detection = new Detection(runtime, detect, (present) => told.push(present));
  expect(detection.present).toBeUndefined();
  answers[0]!(true);
  await turn();
  expect([detection.present, told]).toEqual([true, [true]]);
  detection.needed();
  await runtime.advanceAsync(60_000);
  expect([answers.length, runtime.pending]).toEqual([1, 0]);
});

test('where there is none it asks again each second, as long as one is needed', async () => {
  const runtime = new ManualRuntime();
  let there = false;
  let times = 0;
  const detect = async () => {
    times++;
    if (!there) throw new Error('refused');
    return true;
  };
  let needed = 5;
  const detection: Detection = new Detection(runtime, detect, () => {
    if (--needed > 0) detection.needed();
  });
  await runtime.advanceAsync(10_000);
  expect([times, detection.present, runtime.pending]).toEqual([5, false, 0]);
  there = true;
  detection.needed();
  detection.needed();
  await runtime.advanceAsync(1000);
  expect([times, detection.present, runtime.pending]).toEqual([6, true, 0]);
});

test('who does not answer within 1 s is not there, until the answer comes', async () => {
  const runtime = new ManualRuntime();
  const { answers, detect } = asked();
  const told: boolean[] = [];
  const detection = new Detection(runtime, detect, (present) => told.push(present));
  await runtime.advanceAsync(999);
  expect(detection.present).toBeUndefined();
  await runtime.advanceAsync(1);
  expect(detection.present).toBe(false);
  answers[0]!(true);
  await turn();
  expect([detection.present, told]).toEqual([true, [false, true]]);
});

test('closed, it holds nothing and tells nothing', async () => {
  const runtime = new ManualRuntime();
  const { answers, detect } = asked();
  const told: boolean[] = [];
  const detection = new Detection(runtime, detect, (present) => told.push(present));
  detection.close();
  answers[0]!(true);
  await turn();
  expect([told, runtime.pending]).toEqual([[], 0]);
});

test('a question that throws is a no', async () => {
  const runtime = new ManualRuntime();
  const detect = () => {
    throw new Error('no such thing');
  };
  const detection = new Detection(runtime, detect, () => {});
  await turn();
  expect([detection.present, runtime.pending]).toEqual([false, 0]);
});
