import type { ProtocolName } from './kit/exchanges.js';
import { preloaded } from './kit/preload.js';
import type { NodeOptions, Processes, Program } from './kit/processes.js';
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
  readonly args?: readonly string[];
  readonly options?: NodeOptions;
  /** Counts the leg's calls too, behind the client. */
  readonly witness?: Program;
  address(protocol: ProtocolName): { readonly host: string; readonly port: number };
}

export const LEGS: readonly LegKind[] = [
  { id: 'direct', name: 'direct', start: async (stack) => byPort(await stack.direct()) },
  { id: 'again', name: 'direct again (noise)', start: async (stack) => byPort(await stack.direct()) },
  { id: 'preload', name: 'preload', start: async (stack) => byPreload(await plain(stack)) },
  { id: 'call', name: 'mesh.call', start: async (stack) => byMesh('call', await plain(stack)) },
  { id: 'connect', name: 'mesh.connect', start: async (stack) => byMesh('connect', await plain(stack)) },
  { id: 'preloads', name: 'preload, server too', start: async (stack) => byPreload(await fronted(stack)) },
  { id: 'calls', name: 'mesh.call, server preloaded', start: async (stack) => byMesh('call', await fronted(stack)) },
  { id: 'sidecar', name: 'meltemi sidecar', start: async (stack) => byPort(await stack.sidecar()) },
  { id: 'sidecars', name: 'two meltemi sidecars', start: async (stack) => byPort(await stack.sidecars()) },
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
export function startClient({ args, options }: Leg, processes: Processes, node: readonly string[]): Program {
  return processes.program('client', args, { ...options, node: [...(options?.node ?? []), ...node] });
}

function byPort({ pids, ports }: { pids: readonly number[]; ports: Readonly<Record<string, number>> }): Route {
  return { pids, address: (protocol) => ({ host: '127.0.0.1', port: ports[protocol]! }) };
}

/** A server that is a service of a mesh: which of them, and by which rules. */
interface Service {
  readonly where: 'server' | 'front';
  readonly pid: number;
  readonly rules: string;
  readonly witness?: Program;
}

async function plain(stack: Stack): Promise<Service> {
  return { where: 'server', pid: (await stack.server()).pid, rules: await stack.rules() };
}

async function fronted(stack: Stack): Promise<Service> {
  const { program, rules } = await stack.fronted();
  return { where: 'front', pid: program.pid, rules, witness: program };
}

function byMesh(by: 'call' | 'connect', service: Service): Route {
  return { ...byName(service), args: ['--by', by, '--rules', service.rules] };
}

/** The client of `direct`, which dials a name that only the mesh knows. */
function byPreload(service: Service): Route {
  return { ...byName(service), options: preloaded(service.rules) };
}

function byName({ where, pid, witness }: Service): Route {
  const address = (protocol: ProtocolName) => ({ host: hostOf(protocol, where), port: SERVICE_PORT });
  return { pids: [pid], address, ...(witness && { witness }) };
}
