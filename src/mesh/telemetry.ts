import { Failure, type Outcome } from '../call/index.js';
import type { RoutedCall, ServiceMeters } from '../pipeline/index.js';
import {
  AttemptTelemetryGate,
  type ClusterMeter,
  events,
  type Meters,
  NO_ROUTE,
  type RouteMeter,
  type ServiceMeter,
} from '../telemetry/index.js';

/** What the plans of one compiled service count in, held until its last call has ended. */
export class PlanMeters implements ServiceMeters {
  private readonly active: ServiceMeter;
  private readonly unrouted: RouteMeter;
  private readonly routes = new Map<string, RouteMeter>();
  private readonly clusters = new Map<string, ClusterMeter>();

  constructor(
    private readonly meters: Meters,
    private readonly service: string,
    private readonly direction: 'outbound' | 'inbound',
  ) {
    this.active = meters.service(service, direction);
    this.unrouted = meters.route(service, NO_ROUTE, direction);
  }

  route(name: string): RouteMeter {
    let meter = this.routes.get(name);
    if (meter === undefined) {
      meter = this.meters.route(this.service, name, this.direction);
      this.routes.set(name, meter);
    }
    return meter;
  }

  attempts(cluster: string): AttemptTelemetryGate {
    let meter = this.clusters.get(cluster);
    if (meter === undefined) {
      meter = this.meters.cluster(cluster);
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
    const durationMs = call.endedAt - call.startedAt;
    const refusedBy = pass === undefined && outcome instanceof Failure ? (outcome.role ?? 'match') : pass?.refusedBy;
    meter.settled(call, outcome, durationMs, pass?.attempts ?? 0, refusedBy);
    if (!events.callEnd.hasSubscribers) return;
    const { service } = this;
    events.callEnd.publish({ call, service, route: pass?.route, cluster: pass?.cluster, outcome, durationMs });
  }

  close(): void {
    this.active.close();
    this.unrouted.close();
    for (const meter of this.routes.values()) meter.close();
    for (const meter of this.clusters.values()) meter.close();
  }
}
