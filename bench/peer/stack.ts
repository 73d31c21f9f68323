import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../examples/demo/peers/free-port.js';
import type { ProtocolName } from './kit/exchanges.js';
import { preloaded } from './kit/preload.js';
import { MELTEMI, type Processes, type Program } from './kit/processes.js';
import { hostOf, rulesOf, SERVICE_PORT } from './kit/rules.js';
import type { Exchange } from './kit/wire.js';
import { type EnvoyListener, envoyConfig } from './peers/envoy-config.js';
import type { Found } from './peers/find.js';
import { haproxyConfig } from './peers/haproxy-config.js';
import { type SidecarConfig, sidecarConfig } from './peers/sidecar-config.js';
import type { Ports, ServerTask } from './programs/server.js';

/** What stands between a client and the server: its processes, the server's included, and where it takes calls. */
export interface Hop {
  readonly pids: readonly number[];
  /** By protocol. */
  readonly ports: Readonly<Record<string, number>>;
}

export interface Peers {
  /** Or why there is none. */
  readonly envoy: Found | string;
  readonly haproxy: Found | string;
}

/** The same server, with a mesh of its own before it, and the rules by which clients find it. */
export interface FrontedServer {
  readonly program: Program;
  readonly rules: string;
}

interface Server {
  readonly pid: number;
  readonly endpoints: Ports;
}

/** A part of the stack that this machine does not have. */
export class Missing extends Error {}

/** All that stands behind the clients. Each part is started when a leg first asks for it. */
export class Stack {
  readonly folder = mkdtempSync(join(tmpdir(), 'meltemi-bench-'));
  readonly server = once(() => this.#startServer());
  readonly direct = once(() => this.#direct());
  readonly nodeProxy = once(() => this.#startNodeProxy());
  readonly haproxy = once(() => this.#startHaproxy());
  readonly envoys = once(() => this.#startEnvoys());
  readonly sidecar = once(() => this.#startSidecar());
  readonly sidecars = once(() => this.#startSidecars());
  readonly fronted = once(() => this.#startFronted());
  /** The path of a file with the rules of a service for each protocol, whose endpoints are the server's. */
  readonly rules = once(async () => this.#rules('server', (await this.server()).endpoints));

  constructor(
    private readonly processes: Processes,
    /** By protocol: one for each size. */
    private readonly exchanges: Readonly<Record<string, readonly Exchange[]>>,
    private readonly peers: Peers,
  ) {}

  get protocols(): ProtocolName[] {
    return Object.keys(this.exchanges) as ProtocolName[];
  }

  /** Of files: processes are their owner's to stop. */
  clear(): void {
    rmSync(this.folder, { recursive: true });
  }

  async #startServer(): Promise<Server> {
    const program = this.processes.program('server');
    const task: ServerTask = { type: 'listen', exchanges: this.exchanges };
    return { pid: program.pid, endpoints: await program.ask<Ports>(task) };
  }

  async #direct(): Promise<Hop> {
    const { pid, endpoints } = await this.server();
    return { pids: [pid], ports: this.#byProtocol((protocol) => endpoints[protocol]![0]!) };
  }

  async #startNodeProxy(): Promise<Hop> {
    const { pid, endpoints } = await this.server();
    const program = this.processes.program('node-proxy');
    const ports = await program.ask<number[]>(this.protocols.map((it) => endpoints[it]![0]!));
    return { pids: [pid, program.pid], ports: this.#byProtocol((_, i) => ports[i]!) };
  }

  async #startHaproxy(): Promise<Hop> {
    const { path } = found(this.peers.haproxy);
    const { pid, endpoints } = await this.server();
    const ports = await this.#freePorts();
    const listeners = this.protocols.map((it) => ({ name: it, port: ports[it]!, endpoints: endpoints[it]! }));
    const config = this.#file('haproxy.cfg', haproxyConfig(listeners));
    const haproxy = await this.processes.foreign(path, ['-db', '-f', config], listeners[0]!.port);
    return { pids: [pid, haproxy], ports };
  }

  /** One that passes bytes through (`tcp`), one that decodes (`one`), and that one with another behind it (`two`). */
  async #startEnvoys(): Promise<{ readonly tcp: Hop; readonly one: Hop; readonly two: Hop }> {
    const { path } = found(this.peers.envoy);
    const { pid, endpoints } = await this.server();
    const inward: EnvoyListener[] = [];
    const outward: EnvoyListener[] = [];
    const [tcp, one, two] = [await this.#freePorts(), await this.#freePorts(), await this.#freePorts()];
    for (const protocol of this.protocols) {
      const own = endpoints[protocol]!;
      const before: number[] = [];
      for (const [i, endpoint] of own.entries()) {
        const port = await freePort();
        before.push(port);
        inward.push({ name: `in_${protocol}_${i}`, filter: protocol, port, endpoints: [endpoint] });
      }
      outward.push({ name: `tcp_${protocol}`, filter: 'tcp', port: tcp[protocol]!, endpoints: own });
      outward.push({ name: `one_${protocol}`, filter: protocol, port: one[protocol]!, endpoints: own });
      outward.push({ name: `two_${protocol}`, filter: protocol, port: two[protocol]!, endpoints: before });
    }
    const b = await this.#envoy(path, 'b', inward);
    const a = await this.#envoy(path, 'a', outward);
    const alone = [pid, a];
    return {
      tcp: { pids: alone, ports: tcp },
      one: { pids: alone, ports: one },
      two: { pids: [pid, a, b], ports: two },
    };
  }

  #envoy(path: string, id: string, listeners: readonly EnvoyListener[]): Promise<number> {
    const config = this.#file(`envoy-${id}.json`, envoyConfig(id, listeners));
    const flags = ['--concurrency', '1', '--disable-hot-restart', '--use-dynamic-base-id', '-l', 'error'];
    return this.processes.foreign(path, ['-c', config, ...flags], listeners.at(-1)!.port);
  }

  async #startSidecar(): Promise<Hop> {
    const { pid } = await this.server();
    const own = await this.#outwardSidecar('server', await this.rules());
    return { pids: [pid, own.pid], ports: own.ports };
  }

  /** The one behind has a port in front of each endpoint; these are the endpoints of the one before. */
  async #startSidecars(): Promise<Hop> {
    const { pid, endpoints } = await this.server();
    const before = await this.#freeEndpoints();
    const inbound = this.protocols.flatMap((it) =>
      before[it]!.map((port, i) => ({ port, forward: endpoints[it]![i]!, service: serviceOf(it, 'server') })),
    );
    const b = await this.#sidecar('b', { rules: await this.rules(), inbound }, inbound[0]!.port);
    const a = await this.#outwardSidecar('sidecar', this.#rules('sidecar', before));
    return { pids: [pid, a.pid, b], ports: a.ports };
  }

  async #outwardSidecar(where: string, rules: string) {
    const ports = await this.#freePorts();
    const outbound = Object.fromEntries(this.protocols.map((it) => [serviceOf(it, where), ports[it]!]));
    return { ports, pid: await this.#sidecar(where, { rules, outbound }, Object.values(outbound)[0]!) };
  }

  async #sidecar(name: string, config: Omit<SidecarConfig, 'healthPort'>, port: number): Promise<number> {
    const file = this.#file(`sidecar-${name}.yaml`, sidecarConfig({ ...config, healthPort: await freePort() }));
    return this.processes.foreign(process.execPath, [MELTEMI, 'sidecar', '--config', file], port);
  }

  async #startFronted(): Promise<FrontedServer> {
    const endpoints = await this.#freeEndpoints();
    const rules = this.#rules('front', endpoints);
    const program = this.processes.program('server', [], preloaded(rules));
    await program.ask<Ports>({ type: 'listen', exchanges: this.exchanges, ports: endpoints } satisfies ServerTask);
    return { program, rules };
  }

  #rules(where: string, endpoints: Ports): string {
    const services = this.protocols.map((it) => ({ host: hostOf(it, where), protocol: it, ports: endpoints[it]! }));
    return this.#file(`rules-${where}.yaml`, rulesOf(services));
  }

  #file(name: string, content: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  async #freePorts(): Promise<Record<string, number>> {
    const ports = await Promise.all(this.protocols.map(() => freePort()));
    return this.#byProtocol((_, i) => ports[i]!);
  }

  async #freeEndpoints(): Promise<Record<string, number[]>> {
    const [first, second] = [await this.#freePorts(), await this.#freePorts()];
    return this.#byProtocol((protocol) => [first[protocol]!, second[protocol]!]);
  }

  #byProtocol<T>(value: (protocol: ProtocolName, i: number) => T): Record<string, T> {
    return Object.fromEntries(this.protocols.map((protocol, i) => [protocol, value(protocol, i)]));
  }
}

function serviceOf(protocol: string, where: string): string {
  return `${hostOf(protocol, where)}:${SERVICE_PORT}`;
}

function found(peer: Found | string): Found {
  if (typeof peer === 'string') throw new Missing(peer);
  return peer;
}

function once<T>(start: () => T): () => T {
  let started: { value: T } | undefined;
  return () => {
    started ??= { value: start() };
    return started.value;
  };
}
