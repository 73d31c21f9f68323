import type { RuleStore, ServiceRule } from '../rules/index.js';
import type { MeshNode } from './options.js';

/**
 * Which service this process serves on a port, as a sidecar would know it: one whose workload selector has this node's
 * namespace and labels, and this port as its target; else one without a selector that has an endpoint of this port at an
 * address of this node. Of several the oldest; undefined: none.
 */
export function ownService(
  services: ReadonlyMap<string, ServiceRule>,
  store: Pick<RuleStore, 'candidates'>,
  node: MeshNode,
  port: number,
): ServiceRule | undefined {
  return selecting(services.values(), node, port) ?? having(services, store, node, port);
}

function selecting(
  services: Iterable<ServiceRule>,
  { labels = {}, namespace = 'default' }: MeshNode,
  port: number,
): ServiceRule | undefined {
  let own: ServiceRule | undefined;
  for (const service of services) {
    const { workload } = service;
    if (workload === undefined || workload.port !== port || workload.namespace !== namespace) continue;
    const wanted = Object.entries(workload.labels);
    if (wanted.length === 0 || !wanted.every(([key, value]) => labels[key] === value)) continue;
    if (own === undefined || service.createdAt < own.createdAt) own = service;
  }
  return own;
}

function having(
  services: ReadonlyMap<string, ServiceRule>,
  store: Pick<RuleStore, 'candidates'>,
  { addresses = [] }: MeshNode,
  port: number,
): ServiceRule | undefined {
  const found = addresses
    .flatMap((address) => store.candidates(address, port))
    .filter(({ workload }) => workload === undefined)
    .flatMap(({ key }) => services.get(key) ?? []);
  return found.sort((a, b) => a.createdAt - b.createdAt)[0];
}
