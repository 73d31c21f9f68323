import { INTERFACE, METHOD } from './exchanges.js';

/**
 * The rules of our legs, as the CRDs that users write. They ask for what the other proxies are configured to do: a route by
 * interface and method, two endpoints in turn, no limits.
 */

export const SERVICE_PORT = 20880;

/** A service by the ports of its endpoints, which are on this machine. */
export interface ServiceOf {
  readonly host: string;
  readonly protocol: string;
  readonly ports: readonly number[];
}

export function rulesOf(services: readonly ServiceOf[]): string {
  return services.map(ruleOf).join('---\n');
}

/** Whose endpoints are `where`. */
export function hostOf(protocol: string, where: string): string {
  return `${protocol}.${where}.bench`;
}

function ruleOf({ host, protocol, ports }: ServiceOf): string {
  const name = host.replaceAll('.', '-');
  const portName = `tcp-metaprotocol-${protocol}`;
  const endpoints = ports.map((port) => `    - { address: 127.0.0.1, ports: { ${portName}: ${port} } }`).join('\n');
  const key = protocol === 'dubbo' ? `, annotations: { interface: ${INTERFACE} }` : '';
  const interfaceMatch = protocol === 'dubbo' ? `interface: { exact: ${INTERFACE} }, ` : '';
  return `apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: ${name}, namespace: bench${key} }
spec:
  hosts: [${host}]
  ports: [{ number: ${SERVICE_PORT}, name: ${portName}, protocol: TCP }]
  resolution: STATIC
  endpoints:
${endpoints}
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: ${name}, namespace: bench }
spec:
  host: ${host}
  trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } }
---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: ${name}, namespace: bench }
spec:
  hosts: [${host}]
  routes:
    - name: ${METHOD}
      match: { attributes: { ${interfaceMatch}method: { exact: ${METHOD} } } }
      route: [{ destination: { host: ${host} } }]
`;
}
