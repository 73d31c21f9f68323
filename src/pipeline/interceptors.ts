import { AsyncResource } from 'node:async_hooks';
import { Observable, type Subscription } from 'rxjs';
import { type Call, Failure, NO_DEADLINE, type Outcome, type Pass, type Reply, WRITTEN } from '../call/index.js';
import type { Expirable, Timer, Timers } from '../runtime/index.js';
import { RoutedPass } from './pass-run.js';
import type { PassOwner } from './plan.js';

/** The rest of the pipeline. Cold: each subscription is a new pass through everything inside, so RxJS's `retry` works. */
export type Next = (call: Call) => Observable<Reply>;

/**
 * What users write: an RxJS stage around the rest of the pipeline. `before-route`: what it sets with `call.set`, the
 * route sees. `routed`: knows the route, stands around everything that is sent. A one-way call completes without a
 * value. A throw, or an error that is no Failure, becomes Failure `INTERNAL` with the interceptor's name.
 */
export interface Interceptor {
  readonly name: string;
  /** @defaultValue 'before-route' */
  readonly phase?: 'before-route' | 'routed';
  /** @defaultValue 'outbound' */
  readonly direction?: 'outbound' | 'inbound' | 'both';
  /** Names of interceptors of the same phase that stand outside this one. */
  readonly after?: readonly string[];
  /** Names of interceptors of the same phase that stand inside this one. */
  readonly before?: readonly string[];
  intercept(call: Call, next: Next): Observable<Reply>;
}

/** A started chain. */
export interface Running {
  /** Unsubscribes the chain; whatever still runs inside ends with this outcome. */
  end(outcome: Outcome): void;
}

export interface ChainOwner {
  chainEnded(outcome: Outcome): void;
  /** The deadline of the call has come; only chains that were given timers tell. Must end the chain. */
  chainOverdue?(lateMs: number): void;
}

/** Starts what is inside a chain. @returns undefined if it has ended already. */
export type Start = (call: Call, owner: PassOwner) => { end(outcome: Outcome): void };

/** The interceptors of one phase and direction, in order, outermost first. */
export class InterceptorChain {
  constructor(readonly interceptors: readonly Interceptor[]) {}

  /** Around the rest of a route plan. */
  run(pass: RoutedPass): Running {
    return this.around(pass.call, pass, (call, owner) => startInner(call, pass, owner));
  }

  /** @param timers - to bound the chain by the call's deadline, where no stage outside does */
  around(call: Call, owner: ChainOwner, start: Start, timers?: Timers): Running {
    return new ChainRun(this.interceptors, call, owner, start, timers);
  }
}

/** Owns a pass inside the routed interceptors. Whoever asks what was sent, and where to, asks the outer one. */
export class InnerOwner implements PassOwner {
  constructor(
    readonly outer: RoutedPass,
    private readonly within: PassOwner,
  ) {}

  passEnded(pass: Pass | undefined, outcome: Outcome): void {
    this.within.passEnded(pass, outcome);
  }
}

function startInner(call: Call, outer: RoutedPass, owner: PassOwner): RoutedPass {
  const pass = new RoutedPass(call, outer.plan, new InnerOwner(outer, owner));
  pass.hash = outer.hash;
  pass.startInner();
  return pass;
}

class ChainRun implements Running, Expirable {
  private subscription: Subscription | undefined;
  private ended = false;
  /** Set while we unsubscribe: what runs inside learns this rather than that its caller went away. */
  private endingWith: Outcome | undefined;
  private readonly timer: Timer | undefined;

  constructor(
    interceptors: readonly Interceptor[],
    call: Call,
    private readonly owner: ChainOwner,
    start: Start,
    timers: Timers | undefined,
  ) {
    if (timers !== undefined && call.deadlineAt !== NO_DEADLINE) {
      this.timer = timers.armAt(call.deadlineAt, this);
      this.timer.ref();
    }
    call.scope ??= new AsyncResource('MeltemiCall');
    let next: Next = (inner) => {
      if (inner !== call) inner.standFor(call);
      return this.innermost(inner, start);
    };
    for (let i = interceptors.length - 1; i >= 0; i--) next = guarded(interceptors[i]!, next);
    call.scope.runInAsyncScope(() => {
      this.subscription = next(call).subscribe({
        next: (reply) => this.finish(reply),
        error: (thrown) => this.finish(Failure.from(thrown, 'interceptors')),
        complete: () => this.finish(call.oneway ? WRITTEN : noReply()),
      });
      if (this.ended) this.subscription.unsubscribe();
    });
  }

  end(outcome: Outcome): void {
    if (this.ended) return;
    this.ended = true;
    this.endingWith = outcome;
    this.timer?.cancel();
    this.subscription?.unsubscribe();
  }

  private finish(outcome: Outcome): void {
    if (this.ended) return;
    this.ended = true;
    this.timer?.cancel();
    this.subscription?.unsubscribe();
    this.owner.chainEnded(outcome);
  }

  expired(timer: Timer): void {
    this.owner.chainOverdue?.(timer.lateMs);
  }

  private innermost(call: Call, start: Start): Observable<Reply> {
    return new Observable((subscriber) => {
      const inner = start(call, {
        passEnded: (_pass, outcome) => {
          const deliver = () => {
            if (outcome instanceof Failure) subscriber.error(outcome);
            else {
              if (outcome.message !== undefined) subscriber.next(outcome);
              subscriber.complete();
            }
          };
          if (call.scope === undefined) deliver();
          else call.scope.runInAsyncScope(deliver);
        },
      });
      return () => inner.end(this.endingWith ?? new Failure('CANCELLED', { reason: 'an interceptor unsubscribed' }));
    });
  }
}

function noReply(): Failure {
  return new Failure('INTERNAL', {
    reason: 'an interceptor completed without a reply: return next(call) or a Reply',
    role: 'interceptors',
  });
}

const NO_OBSERVABLE = 'intercept must return an Observable of replies, such as next(call)';

/** Names the interceptor in whatever it throws. */
function guarded(interceptor: Interceptor, next: Next): Next {
  const role = `interceptor ${interceptor.name}`;
  return (call) =>
    new Observable((subscriber) => {
      try {
        const replies = interceptor.intercept(call, next);
        if (typeof replies?.subscribe !== 'function') throw new TypeError(NO_OBSERVABLE);
        return replies.subscribe({
          next: (reply) => subscriber.next(reply),
          error: (thrown) => subscriber.error(Failure.from(thrown, role)),
          complete: () => subscriber.complete(),
        });
      } catch (thrown) {
        subscriber.error(Failure.from(thrown, role));
        return undefined;
      }
    });
}

/**
 * The chain of one phase and direction, ordered by `after` and `before`; otherwise as given. Null if there is none.
 * @throws Error naming the interceptors, for two of one name, an unknown name, or a circle.
 * @throws TypeError - one is no interceptor, or its phase or direction is none: it would never run, and nobody would know
 */
export function compileChain(
  all: readonly Interceptor[],
  phase: 'before-route' | 'routed',
  direction: 'outbound' | 'inbound',
): InterceptorChain | null {
  all.forEach(check);
  const chosen = all.filter((it) => (it.phase ?? 'before-route') === phase && applies(it, direction));
  return chosen.length === 0 ? null : new InterceptorChain(ordered(chosen, all));
}

const PHASES: readonly unknown[] = [undefined, 'before-route', 'routed'];
const DIRECTIONS: readonly unknown[] = [undefined, 'outbound', 'inbound', 'both'];

/** What the types say, for those who write JavaScript. */
function check(interceptor: Partial<Interceptor> | null | undefined, at: number): void {
  const { name, phase, direction, intercept } = interceptor ?? {};
  if (typeof name !== 'string' || name === '' || typeof intercept !== 'function') {
    throw new TypeError(`interceptors[${at}] must be an object with a name and a method intercept(call, next)`);
  }
  if (!PHASES.includes(phase)) {
    throw new TypeError(`interceptor '${name}': phase is '${phase}'; it must be 'before-route' or 'routed'`);
  }
  if (!DIRECTIONS.includes(direction)) {
    throw new TypeError(
      `interceptor '${name}': direction is '${direction}'; it must be 'outbound', 'inbound' or 'both'`,
    );
  }
}

function applies(interceptor: Interceptor, direction: 'outbound' | 'inbound'): boolean {
  const wanted = interceptor.direction ?? 'outbound';
  return wanted === 'both' || wanted === direction;
}

function ordered(chosen: readonly Interceptor[], all: readonly Interceptor[]): Interceptor[] {
  const known = new Set(all.map((it) => it.name));
  const outside = new Map<string, Set<string>>();
  for (const it of chosen) {
    if (outside.has(it.name)) throw new Error(`two interceptors are named '${it.name}'`);
    outside.set(it.name, new Set());
  }
  for (const it of chosen) {
    for (const name of [...(it.after ?? []), ...(it.before ?? [])]) {
      if (!known.has(name)) throw new Error(`interceptor '${it.name}' names '${name}', which is not registered`);
    }
    for (const name of it.after ?? []) if (outside.has(name)) outside.get(it.name)!.add(name);
    for (const name of it.before ?? []) outside.get(name)?.add(it.name);
  }
  const result: Interceptor[] = [];
  const left = [...chosen];
  while (left.length > 0) {
    const at = left.findIndex((it) => [...outside.get(it.name)!].every((name) => result.some((r) => r.name === name)));
    if (at < 0) throw new Error(`interceptors stand in a circle: ${left.map((it) => it.name).join(', ')}`);
    result.push(...left.splice(at, 1));
  }
  return result;
}
