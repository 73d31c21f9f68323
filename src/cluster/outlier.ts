import { FAILURES, type Failure, type Outcome, Reply, WRITTEN } from '../call/index.js';
import type { OutlierRule } from '../rules/index.js';
import type { Runtime } from '../runtime/index.js';
import type { Endpoint } from './endpoint.js';

/** What the detector makes of an outcome. `neither` moves no counter. */
export type Sign = 'good' | 'bad' | 'neither';

/** Told of each ejection and return. */
export interface OutlierListener {
  ejected(endpoint: Endpoint, failures: number, forMs: number): void;
  restored(endpoint: Endpoint): void;
}

/**
 * Consecutive-failure ejection, with Envoy's decisions (`consecutive_5xx` with local and external errors in one count,
 * which is all that Istio lets users set): after N failures in a row an endpoint takes no calls for
 * min(base × how often it was ejected of late, maximum).
 *
 * - At most `maxEjectionPercent` of the endpoints are out at once, but one always may be. A failure too many while the
 *   limit is reached starts a new count.
 * - Envoy acts in sweeps, each `intervalMs` from the detector's making on: an endpoint comes back at the first sweep after
 *   its time is over, and each later sweep that finds it in service takes one off its multiplier. Here no timer runs:
 *   the moments of those sweeps are computed when somebody looks, so an idle cluster costs nothing.
 * - It comes back with a count of zero. An ejected endpoint still counts the outcomes of its last calls, to no effect.
 * - Share of healthy endpoints below `minHealthPercent`: all ejections are ignored (panic), as if everything fails it
 *   says more about us or the network than about them.
 *
 * What counts as a failure: {@link signOf}.
 */
export class OutlierDetector {
  /** Ejections and returns so far. */
  revision = 0;
  readonly #ejected: Endpoint[] = [];
  readonly #origin: number;
  /** The earliest `ejectedUntil`. */
  #nextRestoreAt = Number.POSITIVE_INFINITY;

  constructor(
    private readonly runtime: Runtime,
    private readonly listener: OutlierListener,
    /** In force for what happens from now on; a present ejection keeps its end. */
    public rule: OutlierRule,
  ) {
    this.#origin = Math.ceil(runtime.now());
  }

  get ejected(): number {
    return this.#ejected.length;
  }

  /** @param size - how many endpoints the cluster has to choose among. */
  panics(size: number): boolean {
    const healthy = size - this.#ejected.length;
    return size > 0 && healthy * 100 < this.rule.minHealthPercent * size;
  }

  observe(endpoint: Endpoint, outcome: Outcome, size: number): void {
    const sign = signOf(outcome);
    if (sign === 'bad') this.failed(endpoint, size);
    else if (sign === 'good' && endpoint.consecutiveFailures !== 0) endpoint.consecutiveFailures = 0;
  }

  /** Brings back whose time is over. A comparison if nothing is due; the clock is read only if something is ejected. */
  restoreDue(): void {
    if (this.#ejected.length === 0 || this.runtime.now() < this.#nextRestoreAt) return;
    const now = this.runtime.now();
    for (const endpoint of this.#ejected.slice()) {
      // Not 0: a listener that looks at the cluster may have brought it back already.
      if (endpoint.ejectedUntil !== 0 && endpoint.ejectedUntil <= now) this.#restore(endpoint);
    }
  }

  /** The endpoint has left: what it did is forgotten, also if it comes again. */
  forget(endpoint: Endpoint): void {
    this.#drop(endpoint);
    endpoint.ejectedUntil = endpoint.restoredAt = 0;
    endpoint.ejections = endpoint.consecutiveFailures = 0;
  }

  failed(endpoint: Endpoint, size: number): void {
    this.restoreDue();
    endpoint.consecutiveFailures++;
    if (endpoint.consecutiveFailures !== this.rule.consecutiveErrors || endpoint.ejectedUntil !== 0) return;
    const out = this.#ejected.length;
    if (out === 0 || (out + 1) * 100 <= this.rule.maxEjectionPercent * size) this.#eject(endpoint);
    endpoint.consecutiveFailures = 0;
  }

  #eject(endpoint: Endpoint): void {
    const { baseEjectionMs, maxEjectionMs } = this.rule;
    const now = this.runtime.now();
    let times = Math.max(0, endpoint.ejections - this.#sweepsSince(endpoint.restoredAt, now));
    if (times * baseEjectionMs < maxEjectionMs + baseEjectionMs) times++;
    endpoint.ejections = times;
    endpoint.ejectedUntil = this.#sweepAfter(now + Math.min(baseEjectionMs * times, maxEjectionMs));
    this.#ejected.push(endpoint);
    this.revision++;
    this.#nextRestoreAt = Math.min(this.#nextRestoreAt, endpoint.ejectedUntil);
    this.listener.ejected(endpoint, endpoint.consecutiveFailures, endpoint.ejectedUntil - now);
  }

  #restore(endpoint: Endpoint): void {
    this.#drop(endpoint);
    endpoint.restoredAt = endpoint.ejectedUntil;
    endpoint.ejectedUntil = 0;
    endpoint.consecutiveFailures = 0;
    this.listener.restored(endpoint);
  }

  #drop(endpoint: Endpoint): void {
    const index = this.#ejected.indexOf(endpoint);
    if (index < 0) return;
    this.#ejected.splice(index, 1);
    this.revision++;
    this.#nextRestoreAt = Number.POSITIVE_INFINITY;
    for (const other of this.#ejected) this.#nextRestoreAt = Math.min(this.#nextRestoreAt, other.ejectedUntil);
  }

  /** The first sweep at or after that moment. */
  #sweepAfter(moment: number): number {
    return Math.ceil(this.#origin + Math.ceil((moment - this.#origin) / this.#intervalMs) * this.#intervalMs);
  }

  #sweepsSince(moment: number, now: number): number {
    return Math.floor((now - moment) / this.#intervalMs);
  }

  /** An interval of 0, from code that nobody checked, must not make an ejection last for ever. */
  get #intervalMs(): number {
    return Math.max(1, this.rule.intervalMs);
  }
}

/**
 * Bad: the protocol says that the server could not serve (`framework`), and failures that
 * {@link FAILURES} blames on the endpoint, of the wire or of the server: no connection, a lost one, no answer in time.
 *
 * Good: any other answer. A business exception too: MetaProtocol counts it as a failure, but it is the answer of a working
 * server, and five callers in a row with a bad argument are no reason to eject it.
 *
 * Neither: push-back (`rejected`), which asks for less and not for nothing; a one-way request written, which says nothing
 * of the server; cancellations and refusals of our own; whatever was seen after a stall of our own event loop.
 */
export function signOf(outcome: Outcome): Sign {
  if (outcome instanceof Reply) {
    if (outcome === WRITTEN || outcome.status === 'rejected') return 'neither';
    return outcome.status === 'framework' ? 'bad' : 'good';
  }
  return blamed(outcome) ? 'bad' : 'neither';
}

function blamed(failure: Failure): boolean {
  return failure.stallMs === 0 && FAILURES[failure.code].blame !== 'none';
}
