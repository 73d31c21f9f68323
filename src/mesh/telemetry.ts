import {
  Call,
  type CallSink,
  type Destination,
  type DownstreamPeer,
  Failure,
  type Outcome,
  type Pass,
  usSinceStart,
} from '../call/index.js';
import type { Message, Protocol } from '../message/index.js';
import type { RoutedCall, ServiceMeters } from '../pipeline/index.js';
import type { SourceStatus } from '../rules/index.js';
import type { Runtime } from '../runtime/index.js';
import {
  AccessLog,
  type AccessLogOptions,
  AttemptTelemetryGate,
  CallRecorder,
  type ClusterMeter,
  events,
  Meters,
  NO_ROUTE,
  type RouteMeter,
  type ServiceMeter,
  type Shown,
} from '../telemetry/index.js';

/** Name of the service in telemetry where it could not be told; one name, since callers may ask for any host. */
const UNKNOWN = 'unknown';
const UNKNOWN_PROTOCOL: Protocol = {
  name: UNKNOWN,
  sharing: 'exclusive',
  open() {
    throw new Error('a stand-in for a protocol that is not known has no codec');
  },
};

export interface TelemetryOptions {
  readonly runtime: Runtime;
  readonly accessLog?: Omit<AccessLogOptions, 'runtime'> | undefined;
  readonly recorded?: Shown | undefined;
  /** Those of the rules, as they stand. */
  readonly sources: () => readonly SourceStatus[];
}

/** What a mesh counts, keeps and logs of its calls. */
export class MeshTelemetry {
  readonly meters: Meters;
  /** Of calls that a sidecar reports: counted twice they would be wrong. Nobody reads these. */
  readonly unreported = new Meters();
  readonly recorder: CallRecorder;
  private readonly runtime: Runtime;
  private readonly accessLog: AccessLog | undefined;
  private readonly unserved: RouteMeter;

  /** @throws Error - the format of the access log has an unknown operator. */
  constructor({ runtime, accessLog, recorded, sources }: TelemetryOptions) {
    this.runtime = runtime;
    this.meters = new Meters(sources);
    this.recorder = new CallRecorder(runtime, recorded);
    this.accessLog = accessLog && new AccessLog({ ...accessLog, runtime });
    this.unserved = this.meters.route(UNKNOWN, NO_ROUTE, 'outbound');
  }

  /** A call has ended: for the recorder, the log and whoever listens. Its meters are the plan's. */
  ended(call: Call, service: string, pass: Pass | undefined, outcome: Outcome): void {
    this.recorder.ended(call, service, pass, outcome);
    const durationMs = call.now - call.startedAt;
    if (this.accessLog !== undefined) {
      const startedAt = this.runtime.wallNow() - durationMs;
      this.accessLog.record({ call, service, pass, outcome, startedAt, durationMs });
    }
    if (!events.callEnd.hasSubscribers) return;
    events.callEnd.publish({ call, service, route: pass?.route, cluster: pass?.cluster, outcome, durationMs });
  }

  /** A request was refused before it could be told which service it is for. */
  refused(
    request: Message,
    protocol: Protocol | undefined,
    destination: Destination,
    sink: CallSink,
    peer: DownstreamPeer | undefined,
    failure: Failure,
  ): void {
    const call = new Call(request, protocol ?? UNKNOWN_PROTOCOL, destination, sink, peer);
    call.startedAt = call.now = this.runtime.now();
    this.unserved.settled(call, failure, 0, 0, failure.role);
    this.ended(call, UNKNOWN, undefined, failure);
  }

  /** Writes what waits to be logged. */
  close(): void {
    this.accessLog?.close();
  }
}

/** What the plans of one compiled service count in, held until its last call has ended. */
export class PlanMeters implements ServiceMeters {
  private readonly active: ServiceMeter;
  private readonly unrouted: RouteMeter;
  private readonly routes = new Map<string, RouteMeter>();
  private readonly clusters = new Map<string, ClusterMeter>();

  constructor(
    private readonly telemetry: MeshTelemetry,
    private readonly service: string,
    private readonly direction: 'outbound' | 'inbound',
    /** Of calls; attempts are always counted among the mesh's own. */
    private readonly calls = telemetry.meters,
  ) {
    this.active = calls.service(service, direction);
    this.unrouted = calls.route(service, NO_ROUTE, direction);
  }

  route(name: string): RouteMeter {
    let meter = this.routes.get(name);
    if (meter === undefined) {
      meter = this.calls.route(this.service, name, this.direction);
      this.routes.set(name, meter);
    }
    return meter;
  }

  attempts(cluster: string): AttemptTelemetryGate {
    let meter = this.clusters.get(cluster);
    if (meter === undefined) {
      meter = this.telemetry.meters.cluster(cluster);
      this.clusters.set(cluster, meter);
    }
    return new AttemptTelemetryGate(meter);
  }

  started(call: RoutedCall): void {
    this.active.started();
    if (events.callStart.hasSubscribers) events.callStart.publish({ call, service: this.service });
  }

  ended(call: RoutedCall, outcome: Outcome): void {
    this.active.ended();
    const { pass } = call;
    const meter = pass === undefined ? this.unrouted : pass.plan.meter;
    const refusedBy = pass === undefined && outcome instanceof Failure ? (outcome.role ?? 'match') : pass?.refusedBy;
    meter.settled(call, outcome, usSinceStart(call), pass?.attempts ?? 0, refusedBy);
    this.telemetry.ended(call, this.service, pass, outcome);
  }

  close(): void {
    this.active.close();
    this.unrouted.close();
    for (const meter of this.routes.values()) meter.close();
    for (const meter of this.clusters.values()) meter.close();
  }
}
