import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./peer-server.mjs', import.meta.url));

/** A peer in a process of its own. See `peer-server.mjs` for what it can be told. */
export class PeerProcess implements AsyncDisposable {
  port = 0;
  requests = 0;
  #child: ChildProcess;
  #waiters: (() => void)[] = [];
  #mode = 'echo';

  private constructor(port: number) {
    this.#child = fork(SCRIPT, [String(port)], { execArgv: [], env: { PATH: process.env.PATH } });
    this.#child.on('message', (report: { port?: number; requests?: number; mode?: string }) => {
      if (report.port !== undefined) this.port = report.port;
      if (report.requests !== undefined) this.requests = report.requests;
      if (report.mode !== undefined) this.#mode = report.mode;
      for (const wake of this.#waiters.splice(0)) wake();
    });
  }

  static async start(port = 0): Promise<PeerProcess> {
    const peer = new PeerProcess(port);
    await peer.until(() => peer.port !== 0);
    return peer;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Resolves when it obeys. */
  async tell(mode: string, more: { crowd?: number } = {}): Promise<void> {
    this.#mode = '';
    this.#child.send({ mode, ...more });
    await this.until(() => this.#mode === mode);
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
