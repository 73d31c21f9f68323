/**
 * Which hosts have which ports: from ServiceEntries, of which only the first host counts, as for MetaRDS, and from
 * Kubernetes Services. The rest of the translation goes over this list.
 */
import { type ServiceRule, serviceKey } from '../../../../src/rules/index.js';
import type { RuleObject } from '../kinds/index.js';
import type { Service } from '../kinds/service.js';
import type { ServiceEntry } from '../kinds/service-entry.js';
import type { Workload } from '../kinds/workload.js';
import type { Context } from './context.js';
import { expandHost, isMetaprotocol, protocolOf } from './port-name.js';

export interface HostPort {
  /** `<host>_<port>` */
  readonly key: string;
  readonly host: string;
  /** What DestinationRules are compared with. */
  readonly fullHost: string;
  readonly namespace: string;
  readonly number: number;
  readonly portName: string;
  /** Where workloads serve it: a number, or the name of a container's port. */
  readonly targetPort: number | string;
  readonly addresses: readonly string[];
  readonly resolution: ServiceRule['resolution'];
  /** Workloads with these labels serve it. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  /** Selects where it is served, if other than the selector. */
  readonly servedBy: Readonly<Record<string, string>> | undefined;
  /** Name of the Service whose EndpointSlices serve it. */
  readonly sliceName: string | undefined;
  /** Endpoints written with the service itself. */
  readonly inline: readonly Workload[];
  readonly serviceKey: string | undefined;
  readonly object: RuleObject;
  /** Of the port, inside the object. */
  readonly path: readonly PropertyKey[];
}

/** The oldest wins where two describe the same host and port. */
export function describeHosts(context: Context): ReadonlyMap<string, HostPort> {
  const hosts = new Map<string, HostPort>();
  for (const entry of context.all<ServiceEntry>('ServiceEntry')) {
    for (const host of ofServiceEntry(entry, context)) add(hosts, host, context);
  }
  for (const service of context.all<Service>('Service')) {
    for (const host of ofService(service, context)) add(hosts, host, context);
  }
  return hosts;
}

function add(hosts: Map<string, HostPort>, host: HostPort, context: Context): void {
  const report = context.report(host.object);
  if (isMetaprotocol(host.portName) && protocolOf(host.portName) === undefined) {
    const message = `the port name ${host.portName} lacks the protocol; write tcp-metaprotocol-<protocol>`;
    report.tolerated([...host.path, 'name'], message);
  }
  const earlier = hosts.get(host.key);
  if (earlier === undefined) hosts.set(host.key, host);
  else
    report.warning(host.path, `has no effect: ${earlier.object.title} describes ${host.host}:${host.number} already`);
}

function* ofServiceEntry(entry: RuleObject<ServiceEntry>, context: Context): Iterable<HostPort> {
  const { spec, namespace, annotations } = entry;
  const host = spec.hosts[0]!;
  const addresses = (spec.addresses ?? []).flatMap((address, index) => {
    const single = address.replace(/\/(32|128)$/, '');
    if (!single.includes('/')) return [single];
    context.report(entry).warning(['spec', 'addresses', index], 'only single addresses lead to a service, not ranges');
    return [];
  });
  const resolution = spec.resolution.includes('DNS') ? 'DNS' : spec.resolution === 'STATIC' ? 'STATIC' : 'NONE';
  const atHost: readonly Workload[] = resolution === 'DNS' && !spec.endpoints?.length ? [{ address: host }] : [];
  for (const [index, port] of spec.ports.entries()) {
    yield {
      key: serviceKey(host, port.number),
      host,
      fullHost: expandHost(host, namespace),
      namespace,
      number: port.number,
      portName: port.name,
      targetPort: port.targetPort ?? port.number,
      addresses,
      resolution,
      selector: someLabels(spec.workloadSelector?.labels),
      servedBy: selectorOf(annotations.workloadSelector),
      sliceName: undefined,
      inline: spec.endpoints ?? atHost,
      serviceKey: annotations.interface,
      object: entry,
      path: ['spec', 'ports', index],
    };
  }
}

function* ofService(service: RuleObject<Service>, context: Context): Iterable<HostPort> {
  const { spec, name, namespace } = service;
  const host = `${name}.${namespace}.svc.cluster.local`;
  const written = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  const headless = written.includes('None');
  const external = spec.type === 'ExternalName';
  for (const [index, port] of spec.ports.entries()) {
    const path = ['spec', 'ports', index];
    if (port.protocol !== 'TCP') {
      context.report(service).warning([...path, 'protocol'], `${port.protocol} is not supported: the port is left out`);
      continue;
    }
    yield {
      key: serviceKey(host, port.port),
      host,
      fullHost: host,
      namespace,
      number: port.port,
      portName: port.name,
      targetPort: port.targetPort ?? port.port,
      addresses: headless ? [] : written.filter((address) => address !== ''),
      resolution: external ? 'DNS' : headless ? 'NONE' : 'STATIC',
      selector: someLabels(spec.selector),
      servedBy: undefined,
      sliceName: name,
      inline: external && spec.externalName !== undefined ? [{ address: spec.externalName }] : [],
      serviceKey: undefined,
      object: service,
      path,
    };
  }
}

/** A selector without labels selects nothing, not everything. */
function someLabels(labels: Readonly<Record<string, string>> | undefined): typeof labels {
  return labels !== undefined && Object.keys(labels).length > 0 ? labels : undefined;
}

/** Aeraki's annotation, where there is no selector: `x` stands for `app: x`, `k:v` for that pair; blanks don't count. */
function selectorOf(annotation: string | undefined): Readonly<Record<string, string>> | undefined {
  const text = annotation?.replace(/\s/g, '') ?? '';
  if (text === '') return undefined;
  const colon = text.indexOf(':');
  return colon < 0 ? { app: text } : { [text.slice(0, colon)]: text.slice(colon + 1) };
}
