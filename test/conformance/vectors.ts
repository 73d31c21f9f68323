import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A call of a vector, and what must become of it at every edge. */
export interface VectorCall {
  /** @defaultValue 'whoami', which answers with what the provider saw */
  readonly method?: string;
  readonly args?: readonly unknown[];
  readonly attachments?: Readonly<Record<string, string>>;
  /** Name of the route, as `explain` tells it. */
  readonly route?: string;
  /** The provider that answers; `any`: whichever, and the same at all edges. */
  readonly from?: string;
  /** The same provider as an earlier call of this vector. */
  readonly asCall?: number;
  /** Attachments at the provider; null: absent. */
  readonly seen?: Readonly<Record<string, string | null>>;
  /** Attributes of the reply; null: absent. */
  readonly reply?: Readonly<Record<string, string | null>>;
  /** Code of the failure. */
  readonly fails?: string;
}

/** Rules of one service, and calls to it, in their order. */
export interface Vector {
  readonly name: string;
  readonly host: string;
  readonly about: string;
  readonly calls: readonly VectorCall[];
}

interface Written extends Omit<Vector, 'name' | 'host'> {
  readonly metaRouter?: object;
  readonly destinationRule?: object;
  readonly policies?: readonly object[];
  readonly endpoints?: readonly string[];
}

export const PORT = 20880;
export const INTERFACE = 'org.apache.dubbo.samples.basic.api.DemoService';
const FOLDER = join(import.meta.dirname, 'decisions');
const NAMESPACE = 'conformance';

/** All vectors, with the rules of each as one file of Kubernetes objects. @param ports - of the providers, by name */
export function readVectors(ports: Readonly<Record<string, number>>): { vector: Vector; rules: string }[] {
  return readdirSync(FOLDER).map((file) => {
    const name = basename(file, '.json');
    const host = `${name}.example`;
    const text = readFileSync(join(FOLDER, file), 'utf8').replaceAll('{{host}}', host);
    const written = JSON.parse(text) as Written;
    return { vector: { name, host, about: written.about, calls: written.calls }, rules: rulesOf(host, written, ports) };
  });
}

function rulesOf(host: string, written: Written, ports: Readonly<Record<string, number>>): string {
  const { metaRouter, destinationRule = {}, policies = [], endpoints = ['v1', 'v2'] } = written;
  const metadata = { name: host, namespace: NAMESPACE };
  const items: object[] = [
    {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'ServiceEntry',
      metadata: { ...metadata, annotations: { interface: INTERFACE } },
      spec: {
        hosts: [host],
        ports: [{ number: PORT, name: 'tcp-metaprotocol-dubbo', protocol: 'TCP' }],
        resolution: 'STATIC',
        endpoints: endpoints.map((version) => ({
          address: '127.0.0.1',
          ports: { 'tcp-metaprotocol-dubbo': ports[version] },
          labels: { version },
        })),
      },
    },
    {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'DestinationRule',
      metadata,
      spec: {
        host,
        subsets: ['v1', 'v2', 'v3'].map((version) => ({ name: version, labels: { version } })),
        ...destinationRule,
      },
    },
    ...policies.map((spec, at) => ({
      apiVersion: 'meltemi.dev/v1alpha1',
      kind: 'TrafficPolicy',
      metadata: { ...metadata, name: `${host}-${at}` },
      spec,
    })),
  ];
  if (metaRouter !== undefined) {
    const spec = { hosts: [host], ...metaRouter };
    items.push({ apiVersion: 'metaprotocol.aeraki.io/v1alpha1', kind: 'MetaRouter', metadata, spec });
  }
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}
