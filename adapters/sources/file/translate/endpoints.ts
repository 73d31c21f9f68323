/** Where a service runs: endpoints written with it, workloads of its namespace that its selector picks, its slices. */
import type { EndpointRule, EndpointsRule } from '../../../../src/rules/index.js';
import type { Workload } from '../kinds/workload.js';
import { type Context, provenance } from './context.js';
import type { HostPort } from './hosts.js';
import type { TlsModes } from './tls-modes.js';
import { hasLabels, type Labels, type Placed } from './workloads.js';

export function endpointsOf(
  service: HostPort,
  workloads: readonly Placed[],
  modes: TlsModes,
  context: Context,
): EndpointsRule {
  const found = new Map<string, EndpointRule>();
  const add = (workload: Omit<Workload, 'labels'>, labels: Labels) => {
    const port = portOf(workload.ports ?? {}, service);
    const address = workload.address ?? service.host;
    const key = `${address} ${port}`;
    if (found.has(key)) return;
    found.set(key, {
      address,
      port,
      labels,
      weight: workload.weight || 1,
      locality: workload.locality ?? '',
      priority: 0,
      tlsMode: modes.of(service.namespace, labels, port),
    });
  };
  service.inline.forEach((workload, index) => {
    if (workload.address?.startsWith('unix:')) {
      context.report(service.object).warning(['spec', 'endpoints', index], 'unix sockets are not supported: left out');
    } else add(workload, workload.labels ?? {});
  });
  for (const workload of workloads) {
    const own = workload.service !== undefined && workload.service === service.sliceName;
    const selected = service.selector !== undefined && hasLabels(workload.labels, service.selector);
    // A Service has its slices, which say which of the selected pods are ready.
    if (own || (selected && (service.sliceName === undefined || workload.service === undefined))) {
      add(workload, workload.labels);
    }
  }
  return { key: service.key, endpoints: [...found.values()], from: provenance(service.object, service.path) };
}

/** The workload's port of the service port's name, else the target port by number or name, else the service's own. */
function portOf(ports: Readonly<Record<string, number>>, service: HostPort): number {
  const named = (name: string) => (Object.hasOwn(ports, name) ? ports[name] : undefined);
  const { targetPort } = service;
  return named(service.portName) ?? (typeof targetPort === 'number' ? targetPort : named(targetPort)) ?? service.number;
}
