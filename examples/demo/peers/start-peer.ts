import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A process that was started and said that it is ready. */
export interface Peer {
  readonly port: number;
  readonly process: ChildProcess;
  /** The line it said so with. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Closes its standard input, at which it ends in its own way. Resolves when it has. */
  stop(): Promise<void>;
  /** Sends a signal; resolves at once for SIGSTOP and SIGCONT, else when the process has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

export interface PeerOptions {
  /** What runs `file`. @defaultValue this very Node */
  readonly command?: string;
  /** Beside this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** How long it may take until it is ready. @defaultValue 20 000 */
  readonly readyWithinMs?: number;
  /** @defaultValue that of this process */
  readonly cwd?: string;
}

/**
 * Starts a program that prints one line of JSON with its port when it is ready and ends with its standard input.
 * @throws Error - it ended, or was silent, before that; with the last of what it wrote to stderr.
 */
export function startPeer(file: string, args: readonly string[] = [], options: PeerOptions = {}): Promise<Peer> {
  const child = spawn(options.command ?? process.execPath, [file, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk).slice(-4000);
  });
  child.stdin.on('error', () => {}); // it may be gone already

  const stop = (): Promise<void> => {
    child.kill('SIGCONT'); // a stopped process would not notice
    child.stdin.end();
    return ended;
  };
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await ended;
  };

  return new Promise((resolve, reject) => {
    const fail = (what: string): void => {
      clearTimeout(patience);
      reject(new Error(`${file} ${args.join(' ')}: ${what}\n${complaints}`));
    };
    const patience = setTimeout(() => {
      child.kill('SIGKILL');
      fail('not ready in time');
    }, options.readyWithinMs ?? 20_000);
    child.once('error', (error) => fail(error.message));
    child.once('close', (code, signal) => fail(`ended before it was ready (${signal ?? `status ${code}`})`));
    createInterface(child.stdout).on('line', (line) => {
      const ready = readyLine(line);
      if (ready === undefined) return;
      clearTimeout(patience);
      resolve({ port: Number(ready.port), process: child, ready, stop, kill });
    });
  });
}

function readyLine(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{"ready":true')) return undefined;
  return JSON.parse(line) as Record<string, unknown>;
}
