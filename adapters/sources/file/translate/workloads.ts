/** Who can serve: WorkloadEntries, and the addresses of EndpointSlices, by namespace. */
import type { EndpointSlice } from '../kinds/endpoint-slice.js';
import { SERVICE_NAME } from '../kinds/endpoint-slice.js';
import type { RuleObject } from '../kinds/index.js';
import type { Service } from '../kinds/service.js';
import type { Workload } from '../kinds/workload.js';
import type { WorkloadEntry } from '../kinds/workload-entry.js';
import type { Context } from './context.js';

export type Labels = Readonly<Record<string, string>>;

export interface Placed extends Omit<Workload, 'labels'> {
  readonly labels: Labels;
  /** The Service of the EndpointSlice it stands in. */
  readonly service: string | undefined;
}

/** By namespace, in document order. */
export function placeWorkloads(context: Context): ReadonlyMap<string, readonly Placed[]> {
  const placed = new Map<string, Placed[]>();
  const add = (namespace: string, workload: Placed) => {
    const list = placed.get(namespace);
    if (list === undefined) placed.set(namespace, [workload]);
    else list.push(workload);
  };
  for (const entry of context.all<WorkloadEntry>('WorkloadEntry')) {
    // Labels of the metadata count over those of the spec, as in Istio.
    const labels = { ...entry.spec.labels, ...entry.labels };
    add(entry.namespace, { ...entry.spec, labels, service: undefined });
  }
  const selectors = new Map(
    context.all<Service>('Service').map((each) => [`${each.namespace}/${each.name}`, each.spec.selector ?? {}]),
  );
  for (const slice of context.all<EndpointSlice>('EndpointSlice')) {
    const service = slice.labels[SERVICE_NAME];
    if (service === undefined) {
      context.report(slice).warning(['metadata'], `belongs to no Service: the label ${SERVICE_NAME} is missing`);
    }
    const labels = { ...selectors.get(`${slice.namespace}/${service}`), ...ownLabels(slice) };
    for (const workload of addressesOf(slice.spec)) add(slice.namespace, { ...workload, labels, service });
  }
  return placed;
}

/**
 * A slice does not carry the labels of its pods. What is known: the pods have those that the Service selects, and whoever
 * writes a slice by hand can label it, one slice a version.
 */
function ownLabels(slice: RuleObject): Labels {
  return Object.fromEntries(Object.entries(slice.labels).filter(([key]) => !/(^|\.)kubernetes\.io\//.test(key)));
}

function* addressesOf(slice: EndpointSlice): Iterable<Omit<Workload, 'labels'>> {
  const ports = Object.fromEntries(
    slice.ports.flatMap(({ name, port, protocol }) => (port && protocol === 'TCP' ? [[name, port]] : [])),
  );
  for (const { addresses, conditions, zone } of slice.endpoints) {
    if (conditions?.ready === false || conditions?.terminating === true) continue;
    for (const address of addresses) yield { address, ports, locality: zone === undefined ? '' : `/${zone}` };
  }
}

/** Has `labels` all of `wanted`? */
export function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
}
