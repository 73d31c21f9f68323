import { PROTOCOLS } from '../kit/exchanges.js';

/** What `meltemi sidecar` listens to: for callers of a service, or in front of an app. */
export interface SidecarConfig {
  readonly rules: string;
  readonly healthPort: number;
  /** By `<host>:<port>` of the service. */
  readonly outbound?: Readonly<Record<string, number>>;
  readonly inbound?: readonly { readonly port: number; readonly forward: number; readonly service: string }[];
}

/** `meltemi.config.yaml`, which JSON is too. */
export function sidecarConfig({ rules, healthPort, outbound = {}, inbound = [] }: SidecarConfig): string {
  const fronts = inbound.map(({ port, forward, service }) => ({
    ...{ host: '127.0.0.1', port, service },
    forward: { port: forward },
  }));
  return JSON.stringify({
    rules: [rules],
    protocols: PROTOCOLS,
    listeners: { outbound: { ports: outbound }, inbound: fronts, health: { port: healthPort } },
    shutdown: { grace: 0 },
  });
}
