import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Peer } from '../../../examples/demo/peers/start-peer.js';

/** What a program printed of one thing that it did. */
export interface Step {
  readonly step: string;
  readonly result?: unknown;
  readonly error?: { readonly code?: unknown; readonly message?: string };
  /** It failed where it should succeed, or the other way round. */
  readonly unexpected?: true;
}

/** Everything that the one who started a program can see. */
export interface Run {
  readonly status: number | string;
  /** From its last word to its end. */
  readonly lingeredMs: number;
  readonly steps: readonly Step[];
  /** What it wrote to stderr. */
  readonly complaints: readonly string[];
  /** What the preload wrote there. */
  readonly preload: readonly string[];
}

export interface Place {
  readonly host: string;
  readonly port: number;
  /** Where nobody listens. */
  readonly refusing: number;
}

export interface Launch {
  readonly cwd?: string;
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const PATIENCE_MS = 40_000;
/** A line of the preload's, without the time. */
export const PRELOAD = /^(?:\S+Z )?meltemi (.*)/;

/** Runs a program of `programs/` to its end. What differs by nature, ports, addresses and process ids, is named instead. */
export async function runProgram(program: string, place: Place, server: Peer, launch: Launch = {}): Promise<Run> {
  const file = join(import.meta.dirname, 'programs', program);
  const { host, port, refusing } = place;
  const args = [...(launch.nodeOptions ?? []), file, host, String(port), String(refusing)];
  const child = spawn(process.execPath, args, {
    ...(launch.cwd === undefined ? {} : { cwd: launch.cwd }),
    // Jest's own NODE_OPTIONS are not the program's.
    env: { ...process.env, NODE_OPTIONS: '', SERVER: JSON.stringify(server.ready), ...launch.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  let lastWord = performance.now();
  child.stdout.on('data', () => {
    lastWord = performance.now();
  });
  const ended = new Promise<Pick<Run, 'status' | 'lingeredMs'>>((resolve) => {
    child.once('exit', (code, signal) => {
      const status = code ?? (signal === 'SIGKILL' ? 'did not end by itself' : signal!);
      resolve({ status, lingeredMs: performance.now() - lastWord });
    });
  });
  const [stdout, stderr, end] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  clearTimeout(patience);
  const plain = masking(place, server, child.pid!);
  const lines = plain(stdout).split('\n').filter(Boolean);
  const said = plain(stderr).split('\n');
  return {
    ...end,
    steps: lines.map((line) => JSON.parse(line) as Step),
    complaints: said.filter((line) => !PRELOAD.test(line)),
    preload: said.flatMap((line) => PRELOAD.exec(line)?.[1] ?? []),
  };
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function masking({ host, refusing }: Place, server: Peer, pid: number): (text: string) => string {
  const hosts = [host, '127.0.0.1'].map((it) => it.replaceAll('.', '\\.'));
  const ports = portsOf(server).map(([name, port]) => [new RegExp(`\\b${port}\\b`, 'g'), `<${name}>`] as const);
  return (text) => {
    let masked = text.replace(new RegExp(`${hosts.join('|')}|\\b240\\.240\\.\\d+\\.\\d+`, 'g'), '<host>');
    for (const [port, name] of ports) masked = masked.replace(port, name);
    return masked
      .replace(new RegExp(`\\b${refusing}\\b`, 'g'), '<refusing>')
      .replace(new RegExp(`\\b${pid}\\b`, 'g'), '<pid>')
      .replace(/-\d+ is a negative number/g, '<ms> is a negative number'); // kafkajs, as Node 24 sees it
  };
}

/** Every port of a server by name: of several nodes the first has the list's name. */
export function portsOf(server: Peer): [name: string, port: number][] {
  return Object.entries(server.ready).flatMap(([name, value]) => {
    if (typeof value === 'number') return [[name, value]];
    if (!Array.isArray(value)) return [];
    return (value as number[]).map((port, i): [string, number] => [i === 0 ? name : `${name}${i}`, port]);
  });
}
