import { describe, expect, jest, test } from '@jest/globals';
import { catchError, type Observable, of, race, retry, tap } from 'rxjs';
import { type Attempt, Call, Failure, type Outcome, type Pass, Reply, WRITTEN } from '../../src/call/index.js';
import {
  compileChain,
  type Interceptor,
  ROLES,
  RoutedPass,
  type RoutePlan,
  type Slots,
  setOnStageThrow,
} from '../../src/pipeline/index.js';
import { deadlineStage, type PlanScope, type RetryPolicy, WAIT } from '../../src/policy/index.js';
import { bench, message, protocol, RecordingGate, Sink } from './support.js';

function run(plan: RoutePlan, call = new Call(message(), protocol, { host: 'demo', port: 1 }, new Sink())) {
  const outcomes: Outcome[] = [];
  const pass = new RoutedPass(call, plan, { passEnded: (_pass, outcome) => outcomes.push(outcome) });
  pass.call.now = plan.runtime.now();
  pass.start();
  return { pass, outcomes, call };
}

const limited = () => new Failure('RATE_LIMITED');

describe('the order of stages', () => {
  test('in by the roles, out in reverse, each settled once', () => {
    const { plan, upstream, log } = bench();
    const passGate = (name: string) => new RecordingGate<Pass>(name, log);
    const gate = (name: string) => new RecordingGate<Attempt>(name, log);
    const { outcomes } = run(
      plan({
        deadline: passGate('deadline'),
        rateLimit: passGate('rate-limit'),
        pacing: passGate('pacing'),
        mirror: passGate('mirror'),
        breaker: gate('breaker'),
        concurrency: gate('concurrency'),
        outlier: gate('outlier'),
        attemptTelemetry: gate('telemetry') as unknown as Slots['attemptTelemetry'],
        attemptTimeout: gate('timeout'),
      }),
    );
    upstream.sent[0]!.replied(message('response'));
    upstream.sent[0]!.replied(message('response'));
    upstream.sent[0]!.lost(new Failure('CONNECTION_LOST'));
    expect(log).toEqual([
      ...['+deadline', '+rate-limit', '+pacing', '+mirror', '+breaker', '+concurrency', '+balance', '+outlier'],
      ...['+telemetry', '+timeout', '-timeout ok', '-telemetry ok', '-outlier ok', '-balance ok', '-concurrency ok'],
      ...['-breaker ok', '-mirror ok', '-pacing ok', '-rate-limit ok', '-deadline ok'],
    ]);
    expect(outcomes).toHaveLength(1);
    expect(outcomes[0]).toBeInstanceOf(Reply);
  });

  test('is that of ROLES', () => {
    const { plan, log } = bench();
    const slots = {
      deadline: 'deadline',
      rateLimit: 'rate-limit',
      pacing: 'pacing',
      mirror: 'mirror',
      breaker: 'circuit-breaker',
      concurrency: 'concurrency',
      outlier: 'outlier',
      attemptTelemetry: 'attempt-telemetry',
      attemptTimeout: 'attempt-timeout',
    };
    const gates = Object.entries(slots).map(([slot, role]) => [slot, new RecordingGate(role, log)]);
    run(plan(Object.fromEntries(gates) as Partial<Slots>));
    const entered = log.map((it) => it.slice(1));
    expect(ROLES.map((it) => it.role).filter((role) => entered.includes(role))).toEqual(entered);
    expect(entered).toHaveLength(10);
  });

  test('who refuses is not settled, those before it are', () => {
    const { plan, log, upstream } = bench();
    const { outcomes, pass } = run(
      plan({ deadline: new RecordingGate('deadline', log), rateLimit: new RecordingGate('rate-limit', log, limited) }),
    );
    expect(log).toEqual(['+deadline', '+rate-limit', '-deadline RATE_LIMITED']);
    expect((outcomes[0] as Failure).code).toBe('RATE_LIMITED');
    expect(pass.refusedBy).toBe('rate-limit');
    expect(upstream.sent).toEqual([]);
  });

  test('a refusal within an attempt settles attempt and pass', () => {
    const { plan, log } = bench();
    const { outcomes, pass } = run(
      plan({
        rateLimit: new RecordingGate('rate-limit', log),
        breaker: new RecordingGate<Attempt>('breaker', log),
        concurrency: new RecordingGate<Attempt>('concurrency', log, () => new Failure('OVERFLOW')),
      }),
    );
    expect(log).toEqual(['+rate-limit', '+breaker', '+concurrency', '-breaker OVERFLOW', '-rate-limit OVERFLOW']);
    expect(outcomes).toHaveLength(1);
    expect(pass.attempt!.refusedBy).toBe('concurrency');
  });
});

describe('waiting', () => {
  test.each(['later', 'at once'])('a stage that resumes %s lets the pass go on', (when) => {
    const { plan, log, upstream } = bench();
    const pacing = new RecordingGate<Pass>('pacing', log, (pass) => {
      if (when === 'at once') pass.resume();
      return WAIT;
    });
    const { pass } = run(plan({ pacing }));
    expect(upstream.sent).toHaveLength(when === 'at once' ? 1 : 0);
    pass.resume();
    pass.resume();
    expect(upstream.sent).toHaveLength(1);
    upstream.sent[0]!.replied(message('response'));
    expect(log).toEqual(['+pacing', '+balance', '-balance ok', '-pacing ok']);
  });

  test.each(['later', 'at once'])('a stage that refuses %s is not settled', (when) => {
    const { plan, log } = bench();
    const concurrency = new RecordingGate<Attempt>('concurrency', log, (attempt) => {
      if (when === 'at once') attempt.resume(new Failure('OVERFLOW'));
      return WAIT;
    });
    const { pass, outcomes } = run(plan({ concurrency }));
    pass.attempt!.resume(new Failure('OVERFLOW'));
    expect(log).toEqual(['+concurrency']);
    expect((outcomes[0] as Failure).code).toBe('OVERFLOW');
    expect(outcomes).toHaveLength(1);
  });

  test('what ends while a stage waits settles that stage', () => {
    const { plan, log } = bench();
    const concurrency = new RecordingGate<Attempt>('concurrency', log, () => WAIT);
    const { pass, outcomes } = run(plan({ concurrency }));
    const waiting = pass.attempt!;
    pass.end(new Failure('DEADLINE'));
    waiting.resume();
    expect(log).toEqual(['+concurrency', '-concurrency DEADLINE']);
    expect(outcomes).toHaveLength(1);
  });
});

describe('ends from outside', () => {
  test('a deadline abandons what was sent and is what the stages learn', () => {
    const { plan, log, upstream } = bench();
    const { pass, outcomes } = run(plan({ outlier: new RecordingGate<Attempt>('outlier', log) }));
    pass.end(new Failure('DEADLINE'));
    expect(upstream.abandoned).toEqual(upstream.sent);
    expect(log).toEqual(['+balance', '+outlier', '-outlier DEADLINE', '-balance DEADLINE']);
    upstream.sent[0]!.replied(message('response'));
    expect(outcomes.map((it) => (it as Failure).code)).toEqual(['DEADLINE']);
  });

  test('an attempt that was lost is not abandoned', () => {
    const { plan, upstream } = bench();
    const { outcomes } = run(plan());
    upstream.sent[0]!.lost(new Failure('CONNECTION_LOST', { sent: 'maybe' }));
    expect(upstream.abandoned).toEqual([]);
    expect((outcomes[0] as Failure).code).toBe('CONNECTION_LOST');
  });
});

describe('throws', () => {
  test('in before: INTERNAL, with what passed settled', () => {
    const { plan, log } = bench();
    const thrower = new RecordingGate<Attempt>('concurrency', log, () => {
      throw new Error('broken');
    });
    const { outcomes } = run(plan({ breaker: new RecordingGate<Attempt>('breaker', log), concurrency: thrower }));
    expect(log).toEqual(['+breaker', '+concurrency', '-breaker INTERNAL']);
    expect((outcomes[0] as Failure).code).toBe('INTERNAL');
    expect(((outcomes[0] as Failure).cause as Error).message).toBe('broken');
  });

  test('in settled: the others are settled, the outcome stands', () => {
    const { plan, log, upstream } = bench();
    const told = jest.fn();
    setOnStageThrow(told);
    const thrower = new RecordingGate<Attempt>('outlier', log);
    thrower.settled = () => {
      throw new Error('broken');
    };
    const { outcomes } = run(plan({ breaker: new RecordingGate<Attempt>('breaker', log), outlier: thrower }));
    upstream.sent[0]!.replied(message('response'));
    expect(log).toEqual(['+breaker', '+balance', '+outlier', '-balance ok', '-breaker ok']);
    expect(outcomes[0]).toBeInstanceOf(Reply);
    expect(told).toHaveBeenCalledTimes(1);
  });
});

describe('retries', () => {
  function policy(delays: number[]): RetryPolicy & { open: number } {
    return {
      open: 0,
      deposit() {},
      again() {
        const delay = delays.shift() ?? -1;
        if (delay >= 0) this.open++;
        return delay;
      },
      ended() {
        this.open--;
      },
    };
  }

  test('another attempt at once or after a wait, each through all attempt stages', () => {
    const { plan, runtime, log, upstream } = bench();
    const retries = policy([0, 50]);
    const { pass, outcomes } = run(plan({ retry: retries, breaker: new RecordingGate<Attempt>('breaker', log) }));
    upstream.sent[0]!.lost(new Failure('CONNECTION_LOST'));
    expect(upstream.sent).toHaveLength(2);
    upstream.sent[1]!.lost(new Failure('CONNECTION_LOST'));
    expect(upstream.sent).toHaveLength(2);
    runtime.advance(50);
    expect(upstream.sent).toHaveLength(3);
    upstream.sent[2]!.replied(message('response'));
    expect(outcomes[0]).toBeInstanceOf(Reply);
    expect(pass.attempts).toBe(3);
    expect(pass.attempt!.previous!.previous).toBe(upstream.sent[0]);
    expect(log.filter((it) => it === '+breaker')).toHaveLength(3);
    expect(retries.open).toBe(0);
  });

  test('a pass that ends during the wait gives the budget back', () => {
    const { plan, runtime, upstream } = bench();
    const retries = policy([50]);
    const { pass } = run(plan({ retry: retries }));
    upstream.sent[0]!.lost(new Failure('CONNECTION_LOST'));
    pass.end(new Failure('CANCELLED'));
    expect(retries.open).toBe(0);
    runtime.advance(100);
    expect(upstream.sent).toHaveLength(1);
  });
});

describe('one-way calls', () => {
  test('end when their bytes are written', () => {
    const { plan, upstream } = bench();
    const call = new Call(message('oneway'), protocol, { host: 'demo', port: 1 }, new Sink());
    const { outcomes } = run(plan(), call);
    expect(outcomes).toEqual([]);
    upstream.sent[0]!.written();
    expect(outcomes).toEqual([WRITTEN]);
  });
});

describe('routed interceptors', () => {
  const routed = (name: string, intercept: Interceptor['intercept'], rest: Partial<Interceptor> = {}) =>
    ({ name, phase: 'routed', intercept, ...rest }) satisfies Interceptor;
  const chain = (...interceptors: Interceptor[]) => compileChain(interceptors, 'routed', 'outbound');

  test('see the reply on its way out, in order', () => {
    const { plan, upstream } = bench();
    const seen: string[] = [];
    const tagged = (name: string) =>
      routed(name, (call, next) => {
        seen.push(`+${name}`);
        return next(call).pipe(tap(() => seen.push(`-${name}`)));
      });
    const { outcomes } = run(plan({ interceptors: chain(tagged('outer'), tagged('inner')) }));
    upstream.sent[0]!.replied(message('response'));
    expect(seen).toEqual(['+outer', '+inner', '-inner', '-outer']);
    expect(outcomes).toHaveLength(1);
  });

  test("RxJS's retry makes a new pass through everything inside", () => {
    const { plan, upstream, log } = bench();
    const interceptors = chain(routed('retries', (call, next) => next(call).pipe(retry(1))));
    const { outcomes } = run(plan({ interceptors, breaker: new RecordingGate<Attempt>('breaker', log) }));
    upstream.sent[0]!.lost(new Failure('CONNECTION_LOST'));
    upstream.sent[1]!.replied(message('response'));
    expect(log.filter((it) => it === '+breaker')).toHaveLength(2);
    expect(outcomes[0]).toBeInstanceOf(Reply);
  });

  test('two passes at once: the loser is cancelled', () => {
    const { plan, upstream } = bench();
    const interceptors = chain(routed('races', (call, next) => race(next(call), next(call))));
    const { outcomes } = run(plan({ interceptors }));
    upstream.sent[1]!.replied(message('response'));
    expect(outcomes).toHaveLength(1);
    expect((upstream.sent[0]!.outcome as Failure).code).toBe('CANCELLED');
    expect(upstream.abandoned).toEqual([upstream.sent[0]]);
  });

  test('may answer themselves, or turn a failure into a reply', () => {
    const { plan, upstream } = bench();
    const answer = new Reply(message('response'));
    const first = run(plan({ interceptors: chain(routed('answers', () => of(answer))) }));
    expect(first.outcomes).toEqual([answer]);
    expect(upstream.sent).toEqual([]);
    const rescued = routed('rescues', (call, next) => next(call).pipe(catchError(() => of(answer))));
    const second = run(plan({ interceptors: chain(rescued) }));
    upstream.sent[0]!.lost(new Failure('CONNECTION_LOST'));
    expect(second.outcomes).toEqual([answer]);
  });

  test('a throw is INTERNAL and names the interceptor', () => {
    const { plan } = bench();
    const broken = routed('broken', (): Observable<Reply> => {
      throw new Error('oops');
    });
    const { outcomes } = run(plan({ interceptors: chain(broken) }));
    expect((outcomes[0] as Failure).code).toBe('INTERNAL');
    expect((outcomes[0] as Failure).message).toContain('interceptor broken: oops');
  });

  test('an end from outside reaches the inside as it is, not as a cancellation', () => {
    const { plan, upstream } = bench();
    const { pass, outcomes } = run(plan({ interceptors: chain(routed('plain', (call, next) => next(call))) }));
    pass.end(new Failure('DEADLINE'));
    expect((upstream.sent[0]!.outcome as Failure).code).toBe('DEADLINE');
    expect(outcomes.map((it) => (it as Failure).code)).toEqual(['DEADLINE']);
  });

  test('a deadline says what was sent inside, so that nobody thinks a retry safe', () => {
    const { plan, upstream, runtime } = bench();
    const call = new Call(message(), protocol, { host: 'demo', port: 1 }, new Sink());
    call.deadlineAt = runtime.now() + 10;
    const deadline = deadlineStage.bind({ runtime, policy: {} } as unknown as PlanScope)!;
    const interceptors = chain(routed('plain', (it, next) => next(it)));
    const { pass, outcomes } = run(plan({ deadline, interceptors }), call);
    runtime.advance(10);
    expect(outcomes[0]).toMatchObject({ code: 'DEADLINE', sent: 'maybe' });
    expect(upstream.sent[0]!.outcome).toBe(outcomes[0]);
    expect(pass.attempt).toBe(upstream.sent[0]);
    expect(pass.attempts).toBe(1);
  });

  test('stand by `after` and `before`; circles, doubles and unknown names are refused', () => {
    const idle: Interceptor['intercept'] = (call, next) => next(call);
    const a = routed('a', idle, { after: ['b'] });
    const b = routed('b', idle);
    const c = routed('c', idle, { before: ['b'] });
    expect(chain(a, b, c)!.interceptors.map((it) => it.name)).toEqual(['c', 'b', 'a']);
    expect(() => chain(a, routed('b', idle, { after: ['a'] }))).toThrow('circle: a, b');
    expect(() => chain(b, b)).toThrow("two interceptors are named 'b'");
    expect(() => chain(a)).toThrow("'a' names 'b', which is not registered");
  });
});
