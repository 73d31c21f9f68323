/** A cluster for each port of a host and each subset of its DestinationRule, with what Istio makes of the policies. */
import {
  type BalancerRule,
  type ClusterRule,
  clusterName,
  type LimitsRule,
  type OutlierRule,
} from '../../../../src/rules/index.js';
import type { DestinationRule, IstioTrafficPolicy } from '../kinds/destination-rule.js';
import type { RuleObject } from '../kinds/index.js';
import { provenance } from './context.js';
import type { HostPort } from './hosts.js';

export function clustersOf(service: HostPort, rule: RuleObject<DestinationRule> | undefined): readonly ClusterRule[] {
  const whole = forPort(rule?.spec.trafficPolicy, {}, service.number);
  const plain = clusterRule(service, '', {}, whole, rule, []);
  const subsets = (rule?.spec.subsets ?? []).map((subset, index) =>
    clusterRule(service, subset.name, subset.labels, forPort(subset.trafficPolicy, whole, service.number), rule, [
      'spec',
      'subsets',
      index,
    ]),
  );
  return [plain, ...subsets];
}

type Settings = Omit<IstioTrafficPolicy, 'portLevelSettings'>;

/** What a level says over what holds around it. Settings of the port stand alone: what they leave out is default. */
function forPort(level: IstioTrafficPolicy | undefined, around: Settings, port: number): Settings {
  if (level === undefined) return around;
  const { portLevelSettings = [], ...own } = level;
  return portLevelSettings.find((each) => each.port.number === port) ?? { ...around, ...own };
}

function clusterRule(
  service: HostPort,
  subset: string,
  labels: Readonly<Record<string, string>>,
  settings: Settings,
  rule: RuleObject<DestinationRule> | undefined,
  path: readonly PropertyKey[],
): ClusterRule {
  const { connectionPool, tls } = settings;
  return {
    name: clusterName(service.host, service.number, subset),
    host: service.host,
    port: service.number,
    subset,
    endpointsKey: service.key,
    labels,
    balancer: balancerOf(settings.loadBalancer, service),
    outlier: outlierOf(settings.outlierDetection),
    ...(settings.loadBalancer?.localityLbSetting?.enabled === false && { localityFailover: false }),
    limits: limitsOf(connectionPool),
    connectTimeoutMs: connectionPool?.tcp?.connectTimeout ?? 10_000,
    tlsMode: tls === undefined || tls.mode === 'DISABLE' ? 'disabled' : 'istio',
    policy: {},
    from: rule === undefined ? provenance(service.object, service.path) : provenance(rule, path),
  };
}

/**
 * Istio's default is least request, with Envoy's two choices; ring sizes are Envoy's and Istio's. Services that Istio does
 * not resolve (headless ones, `resolution: NONE`) keep the client's choice, whatever their rule says.
 */
function balancerOf(settings: IstioTrafficPolicy['loadBalancer'], { resolution }: HostPort): BalancerRule {
  if (resolution === 'NONE' || settings?.simple === 'PASSTHROUGH') return { kind: 'original-destination' };
  const hash = settings?.consistentHash;
  if (hash !== undefined) {
    const minimumRingSize = hash.ringHash?.minimumRingSize || hash.minimumRingSize || 1_024;
    return { kind: 'ring-hash', minimumRingSize, maximumRingSize: 8_388_608 };
  }
  if (settings?.simple === 'ROUND_ROBIN') return { kind: 'round-robin' };
  if (settings?.simple === 'RANDOM') return { kind: 'random' };
  return { kind: 'least-request', choices: 2 };
}

/** Envoy's defaults. The maximum ejection is never below the base. */
export function outlierOf(settings: IstioTrafficPolicy['outlierDetection']): OutlierRule | undefined {
  if (settings === undefined) return undefined;
  const baseEjectionMs = settings.baseEjectionTime ?? 30_000;
  return {
    consecutiveErrors: settings.consecutive5xxErrors ?? settings.consecutiveErrors ?? 5,
    intervalMs: settings.interval ?? 10_000,
    baseEjectionMs,
    maxEjectionMs: Math.max(300_000, baseEjectionMs),
    maxEjectionPercent: settings.maxEjectionPercent || 10,
    minHealthPercent: settings.minHealthPercent ?? 0,
  };
}

/** Istio sets no limits of its own, and takes 0 for unset. */
function limitsOf(pool: IstioTrafficPolicy['connectionPool']): LimitsRule {
  return {
    maxConnections: pool?.tcp?.maxConnections || Infinity,
    maxPendingRequests: pool?.http?.http1MaxPendingRequests || Infinity,
    maxRequests: pool?.http?.http2MaxRequests || Infinity,
    maxRetries: pool?.http?.maxRetries || Infinity,
  };
}
