type Ports = readonly [v1: number, v2: number];

/** Three services with two versions each, as an operator would describe them; only the ports are this run's. */
export function rulesOf(ports: { readonly dubbo: Ports; readonly thrift: Ports; readonly tars: Ports }): string {
  return [
    service('hello.example', 20880, 'dubbo', ports.dubbo),
    service('pricing.example', 9090, 'thrift', ports.thrift),
    service('stock.example', 9000, 'tars', ports.tars),
    toV2('pricing.example', 'method: { exact: price }'),
    toV2('stock.example', 'func: { exact: inStock }'),
  ].join('---');
}

function service(host: string, port: number, protocol: string, [v1, v2]: Ports): string {
  const name = `tcp-metaprotocol-${protocol}`;
  return `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: ${host}, namespace: shop }
spec:
  hosts: [${host}]
  ports: [{ number: ${port}, name: ${name}, protocol: TCP }]
  resolution: STATIC
  endpoints:
    - { address: 127.0.0.1, ports: { ${name}: ${v1} }, labels: { version: v1 } }
    - { address: 127.0.0.1, ports: { ${name}: ${v2} }, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: ${host}, namespace: shop }
spec:
  host: ${host}
  trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } }
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
`;
}

function toV2(host: string, match: string): string {
  return `
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: ${host}, namespace: shop }
spec:
  hosts: [${host}]
  routes:
    - name: moved
      match: { attributes: { ${match} } }
      route: [{ destination: { host: ${host}, subset: v2 } }]
`;
}
