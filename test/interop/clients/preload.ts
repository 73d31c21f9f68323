import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageFolder } from '../../support/package-folder.js';
import type { Launch } from './run-program.js';

/** How a program is started with Meltemi before it: by these rules, and by what else its configuration says. */
export async function preloaded(folder: PackageFolder, rules: readonly object[], config: object = {}): Promise<Launch> {
  const own = await mkdtemp(join(folder.path, 'mesh-'));
  // JSON is YAML.
  await writeFile(join(own, 'rules.yaml'), rules.map((rule) => JSON.stringify(rule)).join('\n---\n'));
  await writeFile(
    join(own, 'meltemi.config.yaml'),
    JSON.stringify({ rules: 'rules.yaml', watch: false, sidecar: { captures: 'none' }, ...config }),
  );
  return {
    cwd: folder.path, // from where `meltemi/register` is found
    nodeOptions: ['--import', 'meltemi/register'],
    env: { MELTEMI_CONFIG: join(own, 'meltemi.config.yaml') },
  };
}

/** Nothing here is what a program of the matrix dials. */
export const RULES_FOR_OTHERS = [
  serviceEntry('somebody-else.example', 20880, 'dubbo', [1]),
  serviceEntry('unread.example', 6379, 'redis', [1]),
];

/** Services that no codec here reads, each of which stands for a port of this machine by way of a relay. */
export function relayed(host: string, ports: readonly number[]): { rules: object[]; config: object } {
  const services = ports.map((port) => `${host}:${port}`);
  return {
    // Nobody answers at these endpoints: whoever gets an answer has gone by the relay.
    rules: ports.map((port) => serviceEntry(host, port, 'opaque', [1])),
    config: {
      placement: Object.fromEntries(services.map((service) => [service, 'sidecar'])),
      sidecar: { captures: 'none', ports: Object.fromEntries(ports.map((port, i) => [services[i], port])) },
    },
  };
}

/** A service of two versions: what has the attributes `pinned` goes to v2, the rest to both. */
export function versions(
  host: string,
  port: number,
  protocol: string,
  endpoints: readonly number[],
  pinned: Readonly<Record<string, string>>,
): object[] {
  const to = (version: string, weight?: number) => ({ destination: { host, subset: version }, weight });
  return [
    serviceEntry(host, port, protocol, endpoints),
    {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'DestinationRule',
      metadata: { name: `${protocol}-${port}`, namespace: 'test' },
      spec: { host, subsets: ['v1', 'v2'].map((version) => ({ name: version, labels: { version } })) },
    },
    {
      apiVersion: 'metaprotocol.aeraki.io/v1alpha1',
      kind: 'MetaRouter',
      metadata: { name: `${protocol}-${port}`, namespace: 'test' },
      spec: {
        hosts: [host],
        routes: [
          { name: 'pinned', match: { attributes: matching(pinned) }, route: [to('v2')] },
          { name: 'split', route: [to('v1', 50), to('v2', 50)] },
        ],
      },
    },
  ];
}

const matching = (attributes: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(attributes).map(([name, regex]) => [name, { regex }]));

export function serviceEntry(host: string, port: number, protocol: string, endpoints: readonly number[]): object {
  const name = `tcp-metaprotocol-${protocol}`;
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'ServiceEntry',
    metadata: {
      name: `${host.split('.')[0]}-${port}`,
      namespace: 'test',
      annotations: protocol === 'dubbo' ? { interface: 'org.apache.dubbo.samples.basic.api.DemoService' } : {},
    },
    spec: {
      hosts: [host],
      ports: [{ number: port, name, protocol: 'TCP' }],
      resolution: 'STATIC',
      endpoints: endpoints.map((own, i) => ({
        address: '127.0.0.1',
        ports: { [name]: own },
        labels: { version: `v${i + 1}` },
      })),
    },
  };
}
