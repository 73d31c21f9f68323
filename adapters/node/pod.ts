import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

/** Who a pod is, as far as its environment says: a part of a configuration's `node`. */
export interface Pod {
  id?: string;
  namespace?: string;
  addresses?: string[];
  labels?: Record<string, string>;
}

/** What a hostile, or mistaken, mount may make us read. */
const MAX_LABELS_BYTES = 1024 * 1024;

/**
 * What Kubernetes tells a container of its pod, under the names that Istio's own injection and most manifests use:
 * `POD_NAME`, `POD_NAMESPACE`, `POD_IP` or `INSTANCE_IP` (several by comma), and the file `labels` of a downward API volume.
 * Without its addresses those of the machine are taken, as Istio's agent does; loopback too, since on a laptop rules name it. A
 * process that listens on the port of an endpoint at such an address is that endpoint.
 */
export async function podOf(env: NodeJS.ProcessEnv, podinfo: string): Promise<Pod> {
  const pod: Pod = {};
  const addresses = env.POD_IPS || env.POD_IP || env.INSTANCE_IPS || env.INSTANCE_IP;
  const text = await readFile(join(podinfo, 'labels'), 'utf8').catch(() => '');
  if (env.POD_NAME) pod.id = env.POD_NAME;
  if (env.POD_NAMESPACE) pod.namespace = env.POD_NAMESPACE;
  pod.addresses = addresses ? addresses.split(',').map((it) => it.trim()) : ownAddresses();
  if (text !== '' && text.length <= MAX_LABELS_BYTES) pod.labels = labelsOf(text);
  return pod;
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((each = []) => each.map(({ address }) => address));
}

/** Lines of `key="value"`, the value quoted as Go does, of which labels can have nothing that JSON hasn't. */
function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at < 1) continue;
    try {
      labels[line.slice(0, at)] = String(JSON.parse(line.slice(at + 1)));
    } catch {
      // No label of Kubernetes.
    }
  }
  return labels;
}
