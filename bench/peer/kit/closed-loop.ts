import { quantile } from '../../kit/measure.js';
import { cpuOf } from './cpu.js';
import { MAX_ID, tokenOf } from './wire.js';

/** What a block of calls came to. */
export interface BlockFigures {
  readonly calls: number;
  /** µs. */
  readonly p50: number;
  readonly p99: number;
  readonly callsPerSecond: number;
  /** µs of CPU a call, of all processes that had to do with it. */
  readonly cpu: number;
  /** Replies that were not what was asked for, or that nobody waited for. */
  readonly wrong: number;
  /** Calls without a reply. */
  readonly lost: number;
}

export interface Block {
  readonly ms: number;
  /** So many calls at least, however long they take. @defaultValue 0 */
  readonly calls?: number;
  /** Processes beside this one whose CPU counts. */
  readonly pids: readonly number[];
}

const CALLERS_BITS = 4;
export const MAX_CALLERS = 1 << CALLERS_BITS;
/** Calls that are not answered within it, while no others are either, are lost. */
const SILENCE_MS = 5000;

/** So many callers, each of which makes a call when the one before has its reply. */
export class ClosedLoop {
  readonly #ids = new Int32Array(MAX_CALLERS);
  readonly #startedAt = new Float64Array(MAX_CALLERS);
  readonly #waiting = new Uint8Array(MAX_CALLERS);
  #latencies = new Float64Array(1 << 18);
  #calls = 0;
  #wrong = 0;
  #until = 0;
  #least = 0;
  #busy = 0;
  #done: () => void = () => {};

  constructor(
    private readonly callers: number,
    /** Sends the request of that call; its caller is {@link callerOf} it. */
    private readonly send: (id: number) => void,
  ) {
    for (let i = 0; i < callers; i++) this.#ids[i] = i;
  }

  async run({ ms, pids, calls = 0 }: Block): Promise<BlockFigures> {
    this.#calls = 0;
    this.#wrong = 0;
    const cpuBefore = cpuOf(pids);
    const begin = performance.now();
    this.#until = begin + ms;
    this.#least = calls;
    await this.#calling();
    const seconds = (performance.now() - begin) / 1000;
    const cpu = (cpuOf(pids) - cpuBefore) / 1000 / this.#calls;
    const latencies = this.#latencies.subarray(0, this.#calls);
    return {
      calls: this.#calls,
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      callsPerSecond: this.#calls / seconds,
      cpu,
      wrong: this.#wrong,
      lost: this.#busy,
    };
  }

  /** @param id - that the reply came with; @param token - likewise, in its body */
  replied(id: number, token: number, intact: boolean): void {
    const now = performance.now();
    const caller = callerOf(id);
    if (!intact || this.#ids[caller] !== id || this.#waiting[caller] === 0 || token !== tokenOf(id)) {
      this.#wrong++;
      return;
    }
    this.#waiting[caller] = 0;
    if (this.#calls === this.#latencies.length) this.#grow();
    this.#latencies[this.#calls++] = (now - this.#startedAt[caller]!) * 1000;
    if (now < this.#until || this.#calls < this.#least) this.#next(caller);
    else if (--this.#busy === 0) this.#done();
  }

  /** Resolves too if there are calls whose reply does not come. */
  #calling(): Promise<void> {
    return new Promise((resolve) => {
      let seen = -1;
      const patience = setInterval(() => {
        if (seen === this.#calls) this.#done();
        seen = this.#calls;
      }, SILENCE_MS);
      this.#done = () => {
        clearInterval(patience);
        resolve();
      };
      this.#busy = this.callers;
      for (let caller = 0; caller < this.callers; caller++) this.#next(caller);
    });
  }

  #next(caller: number): void {
    const id = (this.#ids[caller]! + MAX_CALLERS) & MAX_ID;
    this.#ids[caller] = id;
    this.#waiting[caller] = 1;
    this.#startedAt[caller] = performance.now();
    this.send(id);
  }

  #grow(): void {
    const grown = new Float64Array(this.#latencies.length * 2);
    grown.set(this.#latencies);
    this.#latencies = grown;
  }
}

export function callerOf(id: number): number {
  return id & (MAX_CALLERS - 1);
}
