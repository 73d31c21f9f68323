import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMesh } from '../../adapters/node/index.js';
import { type CallsMessages, DubboFrameworkError, dubboClient } from '../../adapters/protocols/dubbo/index.js';
import { startPeer } from '../../examples/demo/peers/start-peer.js';
import { isFailure, type Mesh, type Reply } from '../../src/index.js';
import { StreamClient } from './stream-client.js';
import { INTERFACE, PORT, type Vector, type VectorCall } from './vectors.js';

/** What became of a call, as its caller and its provider saw it. */
export interface Observed {
  readonly from?: string;
  readonly seen?: Readonly<Record<string, string | null>>;
  readonly reply?: Readonly<Record<string, string | null>>;
  readonly fails?: string;
}

/** A way into the mesh. One is opened for all vectors. */
export interface Edge {
  /** Where calls to that service go in. */
  enter(host: string): CallsMessages | Promise<CallsMessages>;
  close(): Promise<void>;
}

/** By `mesh.call`. */
export async function clientApi(rules: string): Promise<Edge> {
  const mesh = await started(rules);
  return { enter: () => mesh, close: () => mesh.close({ drainMs: 0 }) };
}

/** By `mesh.connect`: a stream that a client library is given in place of a socket. */
export async function duplex(rules: string): Promise<Edge> {
  const mesh = await started(rules);
  const enter = (host: string) => new StreamClient(mesh.connect(host, PORT));
  return { enter, close: () => mesh.close({ drainMs: 0 }) };
}

/** By `mesh.listen`: a port in front of each service. */
export async function listener(rules: string): Promise<Edge> {
  const mesh = await started(rules);
  const enter = async (host: string) => {
    const { port } = await mesh.listen({ port: 0, service: `${host}:${PORT}` });
    return new StreamClient(connect(port, '127.0.0.1'));
  };
  return { enter, close: () => mesh.close({ drainMs: 0 }) };
}

/** By a plain socket of an app, which is told nothing but `--import meltemi/register`. @param installed - the package, built */
export async function preload(rules: string, installed: string): Promise<Edge> {
  const env = { NODE_OPTIONS: '--import=meltemi/register', MELTEMI_RULES: rules, MELTEMI_STRICT: '1' };
  const app = await startPeer(join(import.meta.dirname, 'app.mjs'), [], { cwd: installed, env });
  const enter = (host: string) => {
    const socket = connect(app.port, '127.0.0.1');
    socket.write(`${host} ${PORT}\n`);
    return new StreamClient(socket);
  };
  return { enter, close: () => app.stop() };
}

/** By a socket to `meltemi sidecar`, a process of its own. @param installed - the package, built */
export async function sidecar(rules: string, installed: string, hosts: readonly string[]): Promise<Edge> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-sidecar-'));
  const config = join(folder, 'meltemi.config.yaml');
  const ports = Object.fromEntries(hosts.map((host) => [`${host}:${PORT}`, 0]));
  const listeners = { outbound: { ports }, health: { port: 0 } };
  await writeFile(config, JSON.stringify({ rules, listeners, shutdown: { grace: 0, drain: 0 } }));
  const bin = join(installed, 'node_modules/meltemi/dist/adapters/cli/bin.js');
  const process = await startPeer(bin, ['sidecar', '--config', config, '--json']);
  const open = process.ready.listeners as { listener: { service: string }; port: number }[];
  const enter = (host: string) => {
    const { port } = open.find(({ listener }) => listener.service === `${host}:${PORT}`)!;
    return new StreamClient(connect(port, '127.0.0.1'));
  };
  const close = async () => {
    await process.kill('SIGTERM');
    await rm(folder, { recursive: true });
  };
  return { enter, close };
}

export async function started(rules: string): Promise<Mesh> {
  const mesh = await startMesh({ rules });
  await mesh.ready();
  return mesh;
}

/** Makes the calls of a vector, one after the other. */
export async function observe(edge: Edge, { host, calls }: Vector): Promise<Observed[]> {
  const client = dubboClient(await edge.enter(host), { host, port: PORT, interface: INTERFACE });
  const observed: Observed[] = [];
  for (const call of calls) observed.push(await outcome(client, call));
  return observed;
}

async function outcome(client: ReturnType<typeof dubboClient>, call: VectorCall): Promise<Observed> {
  const { method = 'whoami', args = [], attachments = {} } = call;
  let reply: Reply | undefined;
  const onReply = (it: Reply) => {
    reply = it;
  };
  try {
    const value = await client.call(method, args, { attachments, onReply, timeoutMs: 10_000 });
    return {
      from: providerOf(value),
      ...(call.seen && { seen: pick(call.seen, (key) => (value as Record<string, string>)[key]) }),
      ...(call.reply && { reply: pick(call.reply, (key) => reply!.get(key)) }),
    };
  } catch (error) {
    return { fails: codeOf(error) };
  }
}

function providerOf(value: unknown): string {
  if (typeof value === 'string') return /, from (\S+)$/.exec(value)?.[1] ?? value;
  return String((value as { provider?: unknown }).provider);
}

function pick(wanted: object, get: (key: string) => string | undefined): Record<string, string | null> {
  return Object.fromEntries(Object.keys(wanted).map((key) => [key, get(key) ?? null]));
}

/** What the mesh refuses has its code at the client API, and in the text of the protocol's error at all others. */
function codeOf(error: unknown): string {
  if (isFailure(error)) return error.code;
  const text = error instanceof DubboFrameworkError ? error.text : String(error);
  return /^meltemi: ([A-Z_]+): /.exec(text)?.[1] ?? text;
}
