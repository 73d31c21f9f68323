import { INTERFACE, METHOD } from '../kit/exchanges.js';

/**
 * Envoy's bootstrap, which is JSON as well as YAML. Each filter does what our legs do: decodes, routes by interface and method,
 * takes the endpoints in turn, counts.
 */

/** A port that Envoy listens on, and the ports of the endpoints behind it. */
export interface EnvoyListener {
  readonly name: string;
  readonly filter: 'tcp' | 'dubbo' | 'thrift';
  readonly port: number;
  readonly endpoints: readonly number[];
}

export function envoyConfig(id: string, listeners: readonly EnvoyListener[]): string {
  const static_resources = { listeners: listeners.map(listenerOf), clusters: listeners.map(clusterOf) };
  return JSON.stringify({ node: { id, cluster: 'bench' }, static_resources });
}

function listenerOf({ name, filter, port }: EnvoyListener) {
  return { name, address: addressOf(port), filter_chains: [{ filters: [FILTERS[filter](name)] }] };
}

function clusterOf({ name, endpoints }: EnvoyListener) {
  const lb_endpoints = endpoints.map((port) => ({ endpoint: { address: addressOf(port) } }));
  return {
    name,
    type: 'STATIC',
    lb_policy: 'ROUND_ROBIN',
    connect_timeout: '2s',
    circuit_breakers: { thresholds: [{ max_connections: 4096, max_requests: 4096, max_pending_requests: 4096 }] },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints }] },
  };
}

function addressOf(port_value: number) {
  return { socket_address: { address: '127.0.0.1', port_value } };
}

const FILTERS = {
  tcp: (cluster: string) => filterOf('tcp_proxy', 'tcp_proxy.v3.TcpProxy', { stat_prefix: cluster, cluster }),
  dubbo: (cluster: string) =>
    filterOf('dubbo_proxy', 'dubbo_proxy.v3.DubboProxy', {
      stat_prefix: cluster,
      protocol_type: 'Dubbo',
      serialization_type: 'Hessian2',
      multiple_route_config: {
        name: 'bench',
        route_config: [
          {
            name: 'bench',
            interface: INTERFACE,
            routes: [{ match: { method: { name: { exact: METHOD } } }, route: { cluster } }],
          },
        ],
      },
      // An Any, though it is called config.
      dubbo_filters: [{ name: 'envoy.filters.dubbo.router', config: typed('dubbo_proxy.router.v3.Router') }],
    }),
  thrift: (cluster: string) =>
    filterOf('thrift_proxy', 'thrift_proxy.v3.ThriftProxy', {
      stat_prefix: cluster,
      transport: 'FRAMED',
      protocol: 'BINARY',
      route_config: { name: 'bench', routes: [{ match: { method_name: METHOD }, route: { cluster } }] },
      thrift_filters: [{ name: 'envoy.filters.thrift.router', typed_config: typed('thrift_proxy.router.v3.Router') }],
    }),
};

function filterOf(name: string, type: string, config: object) {
  return { name: `envoy.filters.network.${name}`, typed_config: { ...typed(type), ...config } };
}

function typed(type: string) {
  return { '@type': `type.googleapis.com/envoy.extensions.filters.network.${type}` };
}
