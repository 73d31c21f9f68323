import { describe, expect, jest, test } from '@jest/globals';
import { Failure } from '../../../src/call/index.js';
import { KeyedStateStore, type PacingEngine, type PacingEngineFactory, WAIT } from '../../../src/policy/index.js';
import { pacingStage } from '../../../src/policy/pacing/index.js';
import type { PacingRule } from '../../../src/rules/index.js';
import { FakePass, reply, type ScopeOptions, scope } from '../support.js';

const RULE: PacingRule = { ratePerSecond: 10, maxQueued: 2 };

/** A queue that moves when told. */
class FakeEngine implements PacingEngine {
  readonly queue: (() => void)[] = [];
  closed = false;

  constructor(readonly rule: PacingRule) {}

  enter(go: () => void): (() => void) | null {
    if (this.queue.length >= this.rule.maxQueued) return null;
    this.queue.push(go);
    return () => {
      this.queue.splice(this.queue.indexOf(go), 1);
    };
  }

  get queued(): number {
    return this.queue.length;
  }

  close(): void {
    this.closed = true;
  }
}

function setUp(options: ScopeOptions = {}, create: PacingEngineFactory['create'] = (rule) => new FakeEngine(rule)) {
  const engines: FakeEngine[] = [];
  const pacing: PacingEngineFactory = {
    create(rule) {
      const engine = create(rule) as FakeEngine;
      engines.push(engine);
      return engine;
    },
  };
  const within = scope({ policy: { pacing: RULE }, engines: { pacing }, ...options });
  return { gate: pacingStage.bind(within)!, engines, pacing, runtime: within.runtime };
}

describe('pacing', () => {
  test('no rule, no stage; a rule without an engine is an error that says so', () => {
    expect(pacingStage.bind(scope())).toBeUndefined();
    expect(() => pacingStage.bind(scope({ policy: { pacing: RULE } }))).toThrow(
      /demo_20880 has a pacing policy, which needs/,
    );
  });

  test('a call waits and goes when it is its turn', () => {
    const { gate, engines } = setUp();
    const pass = new FakePass();
    expect(gate.before(pass)).toBe(WAIT);
    expect(pass.resumed).toEqual([]);
    engines[0]!.queue.shift()!();
    expect(pass.resumed).toEqual([undefined]);
    gate.settled(pass, reply());
    expect(engines[0]!.queued).toBe(0);
  });

  test('whose turn it is at once does not wait', () => {
    const atOnce = jest.fn<PacingEngine['enter']>((go) => {
      go();
      return () => {
        throw new Error('has gone already');
      };
    });
    const { gate } = setUp({}, () => ({ enter: atOnce, queued: 0, close() {} }));
    const pass = new FakePass();
    expect(gate.before(pass)).toBeUndefined();
    expect(pass.resumed).toEqual([]);
    gate.settled(pass, reply());
  });

  test('a full queue refuses', () => {
    const { gate } = setUp();
    gate.before(new FakePass());
    gate.before(new FakePass());
    const refusal = gate.before(new FakePass()) as Failure;
    expect(refusal).toMatchObject({ code: 'PACING_OVERFLOW', sent: 'no', role: 'pacing' });
    expect(refusal.message).toContain('at 10 requests a second, 2 wait already');
  });

  test('who settles while waiting leaves the queue', () => {
    const { gate, engines } = setUp();
    const passes = [new FakePass(), new FakePass()];
    for (const pass of passes) gate.before(pass);
    gate.settled(passes[0]!, new Failure('CANCELLED'));
    expect(engines[0]!.queued).toBe(1);
    engines[0]!.queue[0]!();
    expect(passes.map((it) => it.resumed.length)).toEqual([0, 1]);
  });

  test('whose turn cannot come before the deadline does not enter', () => {
    const { gate, engines, runtime } = setUp({ policy: { pacing: { ...RULE, maxQueued: 100 } } });
    for (let i = 0; i < 5; i++) gate.before(new FakePass());
    const pass = new FakePass();
    pass.call.deadlineAt = runtime.now() + 500;
    const refusal = gate.before(pass) as Failure;
    expect(refusal.message).toContain('its turn comes in 500 ms at the earliest');
    expect(engines[0]!.queued).toBe(5);
    pass.call.deadlineAt = runtime.now() + 501;
    expect(gate.before(pass)).toBe(WAIT);
  });

  test('a push keeps the queue, a changed rule gets its own, and the last to leave closes it', () => {
    const store = new KeyedStateStore();
    const [first, second, third] = [store.hold(), store.hold(), store.hold()];
    const { engines, pacing } = setUp({ state: first });
    const engine = { pacing };
    pacingStage.bind(scope({ policy: { pacing: RULE }, engines: engine, state: second }));
    expect(engines.length).toBe(1);
    pacingStage.bind(scope({ policy: { pacing: { ...RULE, ratePerSecond: 5 } }, engines: engine, state: third }));
    expect(engines.length).toBe(2);
    first.release();
    expect(engines[0]!.closed).toBe(false);
    second.release();
    expect(engines.map((it) => it.closed)).toEqual([true, false]);
  });
});
