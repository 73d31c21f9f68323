import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The rules of the demo, as an operator would apply them to Kubernetes; only the endpoints' ports are this run's. */

export const HOST = 'org.apache.dubbo.samples.basic.api.demoservice';
export const INTERFACE = 'org.apache.dubbo.samples.basic.api.DemoService';
export const PORT = 20880;

export function services(v1: number, v2: number): string {
  return `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: demo-service, namespace: meta-dubbo, annotations: { interface: ${INTERFACE} } }
spec:
  hosts: [${HOST}]
  ports: [{ number: ${PORT}, name: tcp-metaprotocol-dubbo, protocol: TCP }]
  resolution: STATIC
  endpoints:
    - { address: 127.0.0.1, ports: { tcp-metaprotocol-dubbo: ${v1} }, labels: { version: v1 } }
    - { address: 127.0.0.1, ports: { tcp-metaprotocol-dubbo: ${v2} }, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: demo-service, namespace: meta-dubbo }
spec:
  host: ${HOST}
  trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } }
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
`;
}

/** A MetaRouter for the demo's service. @param spec - YAML below \`spec:\`, indented by two. */
export function metaRouter(spec: string): string {
  return `
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: demo-router, namespace: meta-dubbo }
spec:
  hosts: [${HOST}]
${spec}`;
}

/** Routes: [name, method or none, [subset, weight]...]. */
export function toSubset(name: string, subset: string, method?: string): string {
  const match = method === undefined ? '' : `\n      match: { attributes: { method: { exact: ${method} } } }`;
  return `
    - name: ${name}${match}
      route: [{ destination: { host: ${HOST}, subset: ${subset} } }]`;
}

export function split(name: string, v1: number, v2: number): string {
  return `
    - name: ${name}
      route:
        - { destination: { host: ${HOST}, subset: v1 }, weight: ${v1} }
        - { destination: { host: ${HOST}, subset: v2 }, weight: ${v2} }`;
}

export const RESILIENCE = `
apiVersion: meltemi.dev/v1alpha1
kind: TrafficPolicy
metadata: { name: resilience, namespace: meta-dubbo }
spec:
  targetRefs: [{ host: ${HOST} }]
  timeout: 3s
  retry: { attempts: 3, backoff: { base: 5ms, max: 50ms }, idempotent: [sayHello] }
---
apiVersion: meltemi.dev/v1alpha1
kind: TrafficPolicy
metadata: { name: breaker, namespace: meta-dubbo }
spec:
  targetRefs: [{ host: ${HOST}, subset: v1 }]
  retry: { attempts: 0 }
  circuitBreaker: { errorPercent: 50, minimumCalls: 5, window: 2s, openTime: 500ms }
`;

/** A folder of rules that the mesh watches. */
export class RulesFolder {
  private constructor(readonly path: string) {}

  static async create(): Promise<RulesFolder> {
    return new RulesFolder(await mkdtemp(join(tmpdir(), 'meltemi-demo-')));
  }

  /** Replaces a file by rename, as editors and Kubernetes do: never half of it is seen. */
  async write(name: string, text: string): Promise<void> {
    const draft = join(this.path, `.${name}.draft`);
    await writeFile(draft, text);
    await rename(draft, join(this.path, name));
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
