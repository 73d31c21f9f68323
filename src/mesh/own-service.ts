import type { ServiceRule } from '../rules/index.js';
import type { MeshNode } from './options.js';

/**
 * Which service this process serves on a port, as a sidecar would know it: one whose workload selector has this node's
 * namespace and labels, and this port as its target. Of several the oldest; undefined: none, or the node has no labels.
 */
export function ownService(
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
