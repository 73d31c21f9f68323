import type { Call, Outcome } from '../call/index.js';
import { Failure } from '../call/index.js';
import { type CounterSlab, HISTOGRAM_SLOTS, Histogram, recordDuration, type Slots } from '../runtime/index.js';
import { OUTCOMES, outcomeIndex } from './outcomes.js';

/**
 * Counters as the call path sees them: an object bound when a plan is compiled, whose methods are a few increments in a
 * shared typed array, with no look-up by name. What they are called outside is in `catalogue.ts`.
 */

/** Roles that refuse calls or attempts; what others refuse counts as the last. */
export const REFUSING_ROLES = [
  'match',
  'interceptors-before-route',
  'deadline',
  'rate-limit',
  'pacing',
  'interceptors-routed',
  'mirror',
  'retry',
  'circuit-breaker',
  'concurrency',
  'balance',
  'outlier',
  'attempt-timeout',
  'other',
] as const;

const ROLE_INDEX = new Map<string, number>(REFUSING_ROLES.map((role, index) => [role, index]));

/** The slots of a {@link TrafficMeter}, from its first. */
const ACTIVE = 0;
const RETRIES = 1;
const RETRIES_OK = 2;
const STALLED = 3;
const REQUEST_BYTES = 4;
const RESPONSE_BYTES = 5;
const BY_OUTCOME = 6;
const BY_ROLE = BY_OUTCOME + OUTCOMES.length;
const DURATIONS = BY_ROLE + REFUSING_ROLES.length;
const SLOTS = DURATIONS + HISTOGRAM_SLOTS;

/** What calls that outlive their meter count into. */
const NOWHERE: Slots = { page: new Float64Array(SLOTS), at: 0, size: SLOTS };

/**
 * Counters that several plans may hold, the old and the new one of a rule change. With the last {@link close} the slots
 * are used for something else, and what is still counted goes nowhere.
 */
export abstract class Meter {
  /** Counted up by `Meters` for each time it is handed out. */
  holders = 0;
  protected page: Float64Array;
  protected at: number;
  #slots: Slots;

  constructor(
    private readonly slab: CounterSlab,
    size: number,
    private readonly retired: () => void,
  ) {
    this.#slots = slab.take(size);
    this.page = this.#slots.page;
    this.at = this.#slots.at;
  }

  /** Its holder needs it no longer. Once for each time it was handed out. */
  close(): void {
    if (this.holders === 0 || --this.holders > 0) return;
    const slots = this.#slots;
    this.#slots = NOWHERE;
    this.page = NOWHERE.page;
    this.at = NOWHERE.at;
    this.slab.giveBack(slots);
    this.retired();
  }
}

/** What routes and clusters count alike. 1.3 KB. */
abstract class TrafficMeter extends Meter {
  constructor(slab: CounterSlab, retired: () => void) {
    super(slab, SLOTS, retired);
  }

  /** A stage refused. @param role - one of {@link REFUSING_ROLES}, else it counts as `other` */
  refused(role: string): void {
    this.page[this.at + BY_ROLE + (ROLE_INDEX.get(role) ?? REFUSING_ROLES.length - 1)]!++;
  }

  protected ended(outcome: Outcome, durationUs: number): void {
    const { page, at } = this;
    page[at + BY_OUTCOME + outcomeIndex(outcome)]!++;
    recordDuration(page, at + DURATIONS, durationUs);
    if (outcome instanceof Failure && outcome.stallMs > 0) page[at + STALLED]!++;
  }

  /** For snapshots. */
  get active(): number {
    return this.page[this.at + ACTIVE]!;
  }

  get retries(): number {
    return this.page[this.at + RETRIES]!;
  }

  get retriesOk(): number {
    return this.page[this.at + RETRIES_OK]!;
  }

  get stalled(): number {
    return this.page[this.at + STALLED]!;
  }

  get requestBytes(): number {
    return this.page[this.at + REQUEST_BYTES]!;
  }

  get responseBytes(): number {
    return this.page[this.at + RESPONSE_BYTES]!;
  }

  byOutcome(index: number): number {
    return this.page[this.at + BY_OUTCOME + index]!;
  }

  byRole(index: number): number {
    return this.page[this.at + BY_ROLE + index]!;
  }

  get durations(): Histogram {
    return new Histogram({ page: this.page, at: this.at + DURATIONS, size: HISTOGRAM_SLOTS });
  }
}

export type Reporter = 'source' | 'destination';

/** Calls of one route of a service; or, with route `-`, those of the service that found none. */
export class RouteMeter extends TrafficMeter {
  constructor(
    slab: CounterSlab,
    retired: () => void,
    readonly reporter: Reporter,
    readonly service: string,
    readonly route: string,
  ) {
    super(slab, retired);
  }

  /**
   * A call has ended.
   * @param durationUs - whole µs, here as below: no object where a number with a fraction is one
   * @param attempts - how many were made; 0 if it was refused before
   * @param refusedBy - the stage that refused, if one did
   */
  settled(call: Call, outcome: Outcome, durationUs: number, attempts: number, refusedBy?: string): void {
    this.ended(outcome, durationUs);
    const { page, at } = this;
    page[at + REQUEST_BYTES]! += call.request.size;
    if (attempts > 1) page[at + RETRIES]! += attempts - 1;
    if (refusedBy !== undefined) this.refused(refusedBy);
    if (!(outcome instanceof Failure) && outcome.message !== undefined)
      page[at + RESPONSE_BYTES]! += outcome.message.size;
  }
}

/** Attempts at one cluster, from where they have an endpoint and a connection. */
export class ClusterMeter extends TrafficMeter {
  constructor(
    slab: CounterSlab,
    retired: () => void,
    readonly cluster: string,
    private readonly newEndpoint: (cluster: string, address: string) => EndpointMeter,
  ) {
    super(slab, retired);
  }

  started(): void {
    this.page[this.at + ACTIVE]!++;
  }

  /** @param number - of the attempt, from 1 */
  settled(outcome: Outcome, durationUs: number, number: number): void {
    this.page[this.at + ACTIVE]!--;
    this.ended(outcome, durationUs);
    if (number === 1) return;
    this.page[this.at + RETRIES]!++;
    if (!(outcome instanceof Failure) && (outcome.status === 'ok' || outcome.status === 'business')) {
      this.page[this.at + RETRIES_OK]!++;
    }
  }

  /** Counters for an endpoint that is new; its holder closes them when the endpoint is gone. */
  endpoint(address: string): EndpointMeter {
    return this.newEndpoint(this.cluster, address);
  }
}

const SUCCESS = 0;
const ERROR = 1;
const TIMEOUT = 2;
const CANCELLED = 3;
const ENDPOINT_SLOTS = 4;

/** Attempts at one endpoint of a cluster: four counters and no histogram, since there may be 20,000 of these. */
export class EndpointMeter extends Meter {
  constructor(
    slab: CounterSlab,
    retired: () => void,
    readonly cluster: string,
    readonly address: string,
  ) {
    super(slab, ENDPOINT_SLOTS, retired);
  }

  settled(outcome: Outcome): void {
    this.page[this.at + endpointSlot(outcome)]!++;
  }

  get success(): number {
    return this.page[this.at + SUCCESS]!;
  }

  get error(): number {
    return this.page[this.at + ERROR]!;
  }

  get timeout(): number {
    return this.page[this.at + TIMEOUT]!;
  }

  get cancelled(): number {
    return this.page[this.at + CANCELLED]!;
  }
}

function endpointSlot(outcome: Outcome): number {
  if (outcome instanceof Failure) {
    if (outcome.code === 'CANCELLED') return CANCELLED;
    return outcome.code === 'ATTEMPT_TIMEOUT' || outcome.code === 'DEADLINE' ? TIMEOUT : ERROR;
  }
  return outcome.status === 'ok' || outcome.status === 'business' ? SUCCESS : ERROR;
}

/** Calls of a service that are under way. */
export class ServiceMeter extends Meter {
  constructor(
    slab: CounterSlab,
    retired: () => void,
    readonly reporter: Reporter,
    readonly service: string,
  ) {
    super(slab, 1, retired);
  }

  started(): void {
    this.page[this.at]!++;
  }

  ended(): void {
    this.page[this.at]!--;
  }

  get active(): number {
    return this.page[this.at]!;
  }
}
