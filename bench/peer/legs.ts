import type { ProtocolName } from './kit/exchanges.js';
import type { Processes, Program } from './kit/processes.js';
import { hostOf, SERVICE_PORT } from './kit/rules.js';
import { Missing, type Stack } from './stack.js';

/** A way from a client to the server. Each has a client process of its own. */
export interface LegKind {
  /** As `--legs` takes it. */
  readonly id: string;
  readonly name: string;
  start(stack: Stack): Promise<Route>;
}

/** How a leg's clients call. */
export interface Route {
  /** Beside the client's own. */
  readonly pids: readonly number[];
  /** Of the client program, see there. */
  readonly args: readonly string[];
  address(protocol: ProtocolName): { readonly host: string; readonly port: number };
}

export const LEGS: readonly LegKind[] = [
  { id: 'direct', name: 'direct', start: async (stack) => byPort(await stack.direct()) },
  { id: 'again', name: 'direct again (noise)', start: async (stack) => byPort(await stack.direct()) },
  { id: 'call', name: 'mesh.call', start: (stack) => byMesh(stack, 'call') },
  { id: 'connect', name: 'mesh.connect', start: (stack) => byMesh(stack, 'connect') },
  { id: 'sidecar', name: 'Meltemi as a sidecar', start: async (stack) => byPort(await stack.sidecar()) },
  { id: 'sidecars', name: 'two of them', start: async (stack) => byPort(await stack.sidecars()) },
  { id: 'node', name: 'Node proxy, bytes alone', start: async (stack) => byPort(await stack.nodeProxy()) },
  { id: 'haproxy', name: 'HAProxy, bytes alone', start: async (stack) => byPort(await stack.haproxy()) },
  { id: 'envoy-tcp', name: 'Envoy, bytes alone', start: async (stack) => byPort((await stack.envoys()).tcp) },
  { id: 'envoy', name: 'Envoy', start: async (stack) => byPort((await stack.envoys()).one) },
  { id: 'envoys', name: 'two Envoys', start: async (stack) => byPort((await stack.envoys()).two) },
];

/** A leg that can be measured. */
export interface Leg extends LegKind, Route {}

export interface Skipped {
  readonly name: string;
  readonly reason: string;
}

/** Those of the kinds that this machine has what they need for. */
export async function startLegs(kinds: readonly LegKind[], stack: Stack): Promise<{ legs: Leg[]; skipped: Skipped[] }> {
  const legs: Leg[] = [];
  const skipped: Skipped[] = [];
  for (const kind of kinds) {
    try {
      legs.push({ ...kind, ...(await kind.start(stack)) });
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      skipped.push({ name: kind.name, reason: error.message });
    }
  }
  return { legs, skipped };
}

/** @param node - arguments of Node itself */
export function startClient({ args }: Leg, processes: Processes, node: readonly string[]): Program {
  return processes.program('client', args, { node });
}

function byPort({ pids, ports }: { pids: readonly number[]; ports: Readonly<Record<string, number>> }): Route {
  return { pids, args: [], address: (protocol) => ({ host: '127.0.0.1', port: ports[protocol]! }) };
}

async function byMesh(stack: Stack, by: 'call' | 'connect'): Promise<Route> {
  const { pid } = await stack.server();
  return {
    pids: [pid],
    args: ['--by', by, '--rules', await stack.rules()],
    address: (protocol) => ({ host: hostOf(protocol, 'server'), port: SERVICE_PORT }),
  };
}
