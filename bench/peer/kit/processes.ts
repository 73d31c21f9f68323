import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Programs of the bench are bundled beside the one that was started. */
const HERE = dirname(resolve(process.argv[1]!));
const PROGRAMS = join(HERE, 'programs');
const PUBLISHED = join(HERE, '../../adapters');

/** What users run: `node --import` of the one, and the `meltemi` command. */
export const REGISTER = join(PUBLISHED, 'hosts/register/register.js');
export const MELTEMI = join(PUBLISHED, 'cli/bin.js');
export const CACHE = join(HERE, '../../../node_modules/.cache/meltemi-bench');

const PATIENCE_MS = 20_000;

/** A program of ours in a process of its own. */
export interface Program {
  readonly pid: number;
  /** One question at a time. @throws Error - what it says, or that it has ended */
  ask<T>(message: object): Promise<T>;
  /** Resolves when it has ended. */
  stop(): Promise<void>;
}

/** What a run has started. All of it ends with {@link stop}, or, however this process ends, with it. */
export class Processes {
  readonly #children = new Set<ChildProcess>();

  constructor() {
    process.once('exit', () => {
      for (const child of this.#children) child.kill('SIGKILL');
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
  }

  /** One of `programs/`. @param options - of Node itself, and for its environment */
  program(name: string, args: readonly string[] = [], options: NodeOptions = {}): Program {
    const argv = [ROOM, ...(options.node ?? []), join(PROGRAMS, `${name}.js`), ...args];
    const child = spawn(process.execPath, argv, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
      env: { ...process.env, ...options.env },
    });
    const ended = this.#keep(child);
    const what = `${name} ${args.join(' ')}`;
    return {
      pid: child.pid!,
      ask: (message) => ask(child, message, what),
      stop: () => {
        if (child.connected) child.disconnect();
        return ended;
      },
    };
  }

  /** Somebody else's, which is there when it accepts connections at `port`. @returns its process id */
  async foreign(path: string, args: readonly string[], port: number): Promise<number> {
    const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let complaints = '';
    child.stderr.on('data', (chunk) => {
      complaints = (complaints + chunk).slice(-4000);
    });
    void this.#keep(child);
    for (const begin = performance.now(); !(await accepts(port)); ) {
      if (child.exitCode !== null || performance.now() - begin > PATIENCE_MS)
        throw new Error(`${path} does not accept connections at ${port}: ${complaints}`);
      await sleep(10);
    }
    return child.pid!;
  }

  async stop(): Promise<void> {
    const ended = [...this.#children].map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of this.#children) child.kill('SIGTERM');
    const patience = setTimeout(() => this.#kill(), 2000);
    await Promise.all(ended);
    clearTimeout(patience);
  }

  #kill(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }

  #keep(child: ChildProcess): Promise<void> {
    this.#children.add(child);
    child.on('error', (error) => console.error(`${child.spawnfile}: ${error.message}`));
    return new Promise((resolve) =>
      child.once('exit', () => {
        this.#children.delete(child);
        resolve();
      }),
    );
  }
}

/**
 * Bytes of sockets count for the limit of V8's heap. Just below it they are freed by half a millisecond's collection of the young,
 * just above by a full one of 20 ms and more, of all that the app holds: which of them is chance, in a process that does nothing but
 * call. So that figures are of calls, the limit is far away in all of ours.
 */
const ROOM = '--heap-growing-percent=2000';

export interface NodeOptions {
  readonly node?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

function ask<T>(child: ChildProcess, message: object, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const over = () => reject(new Error(`${what}: has ended`));
    child.once('exit', over);
    child.once('message', (said: { answer: T } | { error: string }) => {
      child.off('exit', over);
      if ('error' in said) reject(new Error(`${what}: ${said.error}`));
      else resolve(said.answer);
    });
    child.send(message);
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** This process, and so all that it starts. False where there is no `taskset`. */
export function pinTo(core: string): boolean {
  try {
    execFileSync('taskset', ['-a', '-p', '-c', core, String(process.pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
