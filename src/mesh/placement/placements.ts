import { Failure } from '../../call/index.js';
import type { ServiceRule, SourceStatus } from '../../rules/index.js';
import type { Expirable, Runtime, Timer } from '../../runtime/index.js';
import type { Logger, PlacementMeter } from '../../telemetry/index.js';
import { tellPlacement } from '../tell.js';
import { decide, type PlacementFacts } from './decide.js';
import { Detection } from './detection.js';
import { digestOf } from './digest.js';
import { HEALTHY_MS, type HysteresisLimits, LASTS_MS, PlacementState } from './hysteresis.js';
import { type MtlsRules, mtlsOf } from './mtls.js';
import type { PlacementOptions, PlacementWish } from './options.js';
import type { Placeable, Placed, PlacementStatus } from './placed.js';
import { namesOf, sidecarAddress } from './reach.js';
import { REASONS } from './reasons.js';
import { Staleness } from './staleness.js';

export interface PlacementsParts {
  readonly runtime: Runtime;
  readonly options: PlacementOptions;
  /** Those in force. */
  readonly rules: MtlsRules;
  /** `reading`: what is of this machine is not all there yet. `waiting`: a control plane has not said all. `open`: nobody waits. */
  readonly phase: () => 'reading' | 'waiting' | 'open';
  /** Why the first rules are not there although nobody waits any longer; undefined: they are. */
  readonly noRules: () => string | undefined;
  /** The source that is asked by name and has not answered yet of that service. */
  readonly owing: (key: string) => string | undefined;
  /** How long such an answer is waited for. */
  readonly answerWithinMs: number;
  readonly logger: Logger;
  readonly meter: PlacementMeter;
  /** A service that is not served in-process, by its key: its rules are wanted. */
  readonly wanted: (key: string) => void;
  /** Its calls no longer go where they went ungoverned. */
  readonly left: (target: Placeable) => void;
  /** Calls that wait may go on. */
  readonly release: () => void;
}

/**
 * The placements of all destinations in use. A call compares two numbers; facts are looked at again when something that
 * they hang on has changed, by the next call, or at once for destinations that are not where they would like to be.
 */
export class Placements implements Expirable {
  private revision = 0;
  /** Not settled: fallen back, refused, or waiting. */
  private readonly unsettled = new Set<Placeable>();
  private readonly detection: Detection | undefined;
  private readonly limits: HysteresisLimits;
  private readonly wishes: ReadonlyMap<string, PlacementWish>;
  private readonly ports: ReadonlyMap<string, number>;
  private readonly staleness: Staleness;
  private timer: Timer | undefined;
  private closed = false;

  constructor(private readonly parts: PlacementsParts) {
    const { options, runtime } = parts;
    this.staleness = new Staleness(options.maxStaleMs ?? Number.POSITIVE_INFINITY);
    const { placement = 'auto', sidecar = {}, fallBack = {} } = options;
    this.limits = { lastsMs: fallBack.lastsMs ?? LASTS_MS, healthyMs: fallBack.healthyMs ?? HEALTHY_MS };
    this.wishes = new Map(typeof placement === 'string' ? [['*', placement]] : Object.entries(placement));
    this.ports = new Map(Object.entries(sidecar.ports ?? {}));
    const { captures = 'none', detect } = sidecar;
    if (captures === 'none' || detect === undefined) return;
    this.detection = new Detection(runtime, detect, (present) => this.detected(present));
  }

  /** As of now. */
  of(target: Placeable): Placed {
    const { placed } = target;
    if (placed.seen !== this.revision) {
      this.look(target);
      const dueAt = this.dueAt(placed);
      if (dueAt < (this.timer?.dueAt ?? Number.POSITIVE_INFINITY)) this.wakeAt(dueAt);
    }
    return placed;
  }

  /** Something that placements hang on has changed: rules, time. */
  changed(): void {
    this.revision++;
    let dueAt = this.staleness.dueAt(this.parts.runtime.now());
    let freed = false;
    for (const target of this.unsettled) {
      const { placed } = target;
      const waited = placed.placement === 'waiting';
      this.look(target);
      freed ||= waited && placed.placement !== 'waiting';
      dueAt = Math.min(dueAt, this.dueAt(placed));
    }
    this.wakeAt(dueAt);
    if (freed) this.parts.release();
  }

  /** When it is to be looked at again, whatever happens. */
  private dueAt({ state, awaitedUntil = Number.POSITIVE_INFINITY }: Placed): number {
    return Math.min(state!.dueAt, awaitedUntil > this.parts.runtime.now() ? awaitedUntil : Number.POSITIVE_INFINITY);
  }

  /** A source stands otherwise than before. */
  told(source: SourceStatus): void {
    this.staleness.told(source, this.parts.runtime.now());
    this.changed();
  }

  /** For a destination that is refused. */
  refusal(target: Placeable): Failure {
    const { host, port } = target.destination;
    const { reason, code } = target.placed;
    if (code === 'NO_RULES') {
      const missing = target.described.length > 0 ? 'has no route table' : 'is described by no rule';
      const why = this.parts.noRules() ?? `no answer within ${this.parts.answerWithinMs} ms from its source`;
      return new Failure(code, { role: 'placement', reason: `${why}; ${host}:${port} ${missing}` });
    }
    return new Failure('NO_SIDECAR', {
      role: 'placement',
      reason: `${host}:${port} needs a sidecar, since ${REASONS[reason].text}, and none is there; sidecar.captures or sidecar.ports say how one is reached`,
    });
  }

  status(target: Placeable): PlacementStatus {
    const { placement, reason, sidecar, state } = this.of(target);
    const { host, port } = target.destination;
    const { runtime } = this.parts;
    return {
      service: `${host}:${port}`,
      placement,
      reason,
      why: REASONS[reason].text,
      ...(placement === 'sidecar' ? { sidecar: `${sidecar.host}:${sidecar.port}` } : {}),
      since: Math.round(runtime.wallNow() - (runtime.now() - state!.since)),
      ...(placement === 'refused' ? { refused: this.refusal(target).message } : {}),
    };
  }

  /** All destinations are forgotten. */
  clear(): void {
    this.unsettled.clear();
    this.parts.meter.clear();
  }

  close(): void {
    this.detection?.close();
    this.clear();
    this.wakeAt(Number.POSITIVE_INFINITY);
    this.closed = true;
  }

  /** A fall-back may end now. */
  expired(): void {
    this.timer = undefined;
    this.changed();
  }

  private look(target: Placeable): void {
    const { runtime, logger, meter } = this.parts;
    const { placed } = target;
    placed.seen = this.revision;
    const now = runtime.now();
    const wanted = decide(this.facts(target, now));
    const first = placed.state === undefined;
    const state = placed.state ?? new PlacementState(wanted, now);
    placed.state = state;
    const before = first ? undefined : placed.placement;
    const reasonBefore = placed.reason;
    const elsewhere = !first && placed.ungoverned;
    const switched = state.follow(wanted, now, this.limits);
    const { placement, reason, code } = state.decided;
    placed.placement = placement;
    placed.reason = reason;
    placed.code = code;
    const moved = this.locate(target);
    if (elsewhere && (switched || moved || !placed.ungoverned)) this.parts.left(target);
    if (switched || first) meter.placed(before, placement, reason);
    if (switched || first || reason !== reasonBefore) {
      const { host, port } = target.destination;
      const recovered = !first && REASONS[reasonBefore].fallBack && !REASONS[reason].fallBack;
      const change = { service: `${host}:${port}`, from: before, to: placement, reason };
      tellPlacement(change, REASONS[reason], recovered, logger);
    }
    if (placement !== 'in-process') for (const { key } of target.described) this.parts.wanted(key);
    this.settle(target);
  }

  /** @returns whether the sidecar is at another place than before. */
  private locate(target: Placeable): boolean {
    const { placed } = target;
    if (placed.placement !== 'sidecar') return false;
    const { host, port } = sidecarAddress(target, this.port(target));
    if (placed.sidecar.host === host && placed.sidecar.port === port) return false;
    placed.sidecar = { host, port };
    return true;
  }

  /** Who would like to be elsewhere is looked at whenever something changes; others when they are called. */
  private settle(target: Placeable): void {
    const { placement, reason } = target.placed;
    const { fallBack } = REASONS[reason];
    const missing = placement === 'waiting' || placement === 'refused' || (fallBack && placement !== 'sidecar');
    if (missing && this.wish(target) !== 'in-process') this.detection?.needed();
    if (missing || fallBack || reason === 'first-rules') this.unsettled.add(target);
    else this.unsettled.delete(target);
  }

  private wakeAt(dueAt: number): void {
    if (this.timer?.dueAt === dueAt || this.closed) return;
    this.timer?.cancel();
    this.timer = dueAt === Number.POSITIVE_INFINITY ? undefined : this.parts.runtime.timers.armAt(dueAt, this);
  }

  private detected(present: boolean): void {
    if (present) this.tellFound();
    this.changed();
    this.parts.release();
  }

  private tellFound(): void {
    const { options, logger } = this.parts;
    const found = 'there is a proxy beside this process';
    if (options.sidecar?.captures !== 'all') logger.info(found);
    else
      logger.warn(
        `${found}: calls go through it and not through this mesh, unless sidecar.captures or placement say otherwise`,
      );
  }

  private facts(target: Placeable, now: number): PlacementFacts {
    const { options, rules } = this.parts;
    const described = target.described.filter(({ protocol }) => protocol !== undefined);
    return {
      wish: this.wish(target),
      sidecar: this.sidecar(target),
      rules: this.rules(target, described, now),
      described: described.length > 0,
      codec: target.protocol !== undefined,
      mtls: mtlsOf(described, rules),
      onNoRules: options.onNoRules ?? 'default-route',
    };
  }

  private rules(target: Placeable, ours: readonly ServiceRule[], now: number): PlacementFacts['rules'] {
    const { phase, noRules } = this.parts;
    const current = phase();
    if (current !== 'open') return current;
    const late = noRules() !== undefined;
    if (ours.length === 0) return late && target.described.length === 0 ? 'late' : 'undescribed';
    const tableless = ours.filter(({ routesByDefault }) => routesByDefault);
    if (late && tableless.length > 0) return 'late';
    const awaited = this.awaited(target, tableless, now);
    if (awaited !== undefined) return awaited;
    const stale = (source: string) => this.staleness.stale(source, now);
    return ours.some((service) => digestOf(service).sources.some(stale)) ? 'stale' : 'here';
  }

  /** Routes of a service that is called for the first time may be on their way from a source that is asked by name. */
  private awaited(
    { placed }: Placeable,
    tableless: readonly ServiceRule[],
    now: number,
  ): 'waiting' | 'late' | undefined {
    if (!tableless.some(({ key }) => this.parts.owing(key) !== undefined)) {
      placed.awaitedUntil = undefined;
      return undefined;
    }
    placed.awaitedUntil ??= now + this.parts.answerWithinMs;
    return now < placed.awaitedUntil ? 'waiting' : 'late';
  }

  private sidecar(target: Placeable): PlacementFacts['sidecar'] {
    const { captures = 'none' } = this.parts.options.sidecar ?? {};
    const present = this.detection === undefined ? captures !== 'none' : this.detection.present;
    if (present === undefined) return 'unknown';
    if (present && captures === 'all') return 'captures';
    return present || this.port(target) !== undefined ? 'there' : 'none';
  }

  private wish(target: Placeable): PlacementWish {
    return find(this.wishes, target) ?? this.wishes.get('*') ?? 'auto';
  }

  private port(target: Placeable): number | undefined {
    return find(this.ports, target);
  }
}

function find<T>(values: ReadonlyMap<string, T>, target: Placeable): T | undefined {
  if (values.size === 0) return undefined;
  for (const name of namesOf(target)) {
    const value = values.get(name);
    if (value !== undefined) return value;
  }
  return undefined;
}
