/** Where a service runs: endpoints written with it, and workloads of its namespace that its selector picks. */
import type { EndpointRule, EndpointsRule } from '../../../../src/rules/index.js';
import type { RuleObject } from '../kinds/index.js';
import type { Workload } from '../kinds/workload.js';
import type { WorkloadEntry } from '../kinds/workload-entry.js';
import { type Context, provenance } from './context.js';
import { type HostPort, hasLabels } from './hosts.js';

export function endpointsOf(service: HostPort, context: Context): EndpointsRule {
  const found = new Map<string, EndpointRule>();
  const add = (workload: Workload, labels: Readonly<Record<string, string>>) => {
    const endpoint = endpointOf(workload, labels, service);
    if (endpoint === undefined) return;
    const key = `${endpoint.address} ${endpoint.port}`;
    if (!found.has(key)) found.set(key, endpoint);
  };
  service.inline.forEach((workload, index) => {
    if (workload.address?.startsWith('unix:')) {
      context.report(service.object).warning(['spec', 'endpoints', index], 'unix sockets are not supported: left out');
    } else add(workload, workload.labels ?? {});
  });
  if (service.selector !== undefined) {
    for (const entry of context.all<WorkloadEntry>('WorkloadEntry')) {
      const labels = labelsOf(entry);
      if (entry.namespace === service.namespace && hasLabels(labels, service.selector)) add(entry.spec, labels);
    }
  }
  return { key: service.key, endpoints: [...found.values()], from: provenance(service.object, service.path) };
}

/** Those of the metadata count over those of the spec, as in Istio. */
function labelsOf(entry: RuleObject<WorkloadEntry>): Readonly<Record<string, string>> {
  return { ...entry.spec.labels, ...entry.labels };
}

function endpointOf(
  workload: Workload,
  labels: Readonly<Record<string, string>>,
  service: HostPort,
): EndpointRule | undefined {
  const ports = workload.ports ?? {};
  const named = Object.hasOwn(ports, service.portName) ? ports[service.portName] : undefined;
  const target = typeof service.targetPort === 'number' ? service.targetPort : service.number;
  return {
    address: workload.address ?? service.host,
    port: named ?? target,
    labels,
    weight: workload.weight || 1,
    locality: workload.locality ?? '',
    priority: 0,
    tlsMode: labels['security.istio.io/tlsMode'] === 'istio' ? 'istio' : undefined,
  };
}
