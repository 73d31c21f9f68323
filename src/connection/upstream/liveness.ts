import type { Expirable, Runtime, Timer } from '../../runtime/index.js';
import type { ResolvedPoolOptions } from './options.js';

/** What {@link Liveness} watches and may do. */
export interface Watched {
  /** Replies still to come. */
  readonly outstanding: number;
  /** Counts what was read, in chunks: any number that grows. */
  readonly reads: number;
  /** Sends a heartbeat; false if the protocol has none. */
  probe(): boolean;
  /** Every so often while calls are outstanding. */
  check(): void;
  /** No calls any more, or again: may the process end while the connection is open? */
  rest(resting: boolean): void;
  /** The peer owes something and has said nothing, not even to a probe. */
  silent(reason: string): void;
  /** Nothing has been asked of it for `idleMs`. */
  idle(): void;
}

/** So many silent checks in a row make a silence: a check each half of `readSilenceMs`. */
const SILENT_CHECKS = 2;
const UNANSWERED_HEARTBEATS = 3;

/**
 * Notices a peer that is gone. TCP keep-alive does not: it is mute while data is unacknowledged (a cut network is noticed
 * after minutes), and the kernel of a stopped process answers it for ever. What tells is read silence while a reply is owed:
 * then a protocol with heartbeats is probed, and given up if as long a silence follows. Without heartbeats silence
 * alone proves nothing, since a call may take long; attempts that time out do (`UpstreamConnection`).
 *
 * A call costs one comparison: no clock is read. One timer a connection looks, twice in a silence while calls are
 * outstanding, else once a heartbeat. It expires a poll phase late, so that a stall of our own event loop is no silence.
 */
export class Liveness implements Expirable {
  #timer: Timer | undefined = undefined;
  #busy = false;
  #readsSeen = 0;
  #silentChecks = 0;
  #probed = false;
  #unanswered = 0;
  #idleSince = 0;

  constructor(
    private readonly watched: Watched,
    private readonly runtime: Runtime,
    private readonly options: ResolvedPoolOptions,
    private readonly heartbeats: boolean,
  ) {
    this.#restAgain();
  }

  /** A call was sent. */
  busy(): void {
    if (this.#busy) return;
    this.#busy = true;
    this.watched.rest(false);
    this.#silentChecks = 0;
    this.#probed = false;
    this.#readsSeen = this.watched.reads;
    this.#arm(this.options.readSilenceMs / SILENT_CHECKS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  expired(timer: Timer): void {
    if (timer !== this.#timer) return;
    this.#timer = undefined;
    const read = this.watched.reads !== this.#readsSeen;
    this.#readsSeen = this.watched.reads;
    if (!this.#busy) this.#idleCheck(read);
    else if (this.watched.outstanding === 0) this.#restAgain();
    else this.#busyCheck(read);
  }

  #busyCheck(read: boolean): void {
    this.#arm(this.options.readSilenceMs / SILENT_CHECKS);
    if (read) {
      this.#silentChecks = 0;
      this.#probed = false;
    } else if (++this.#silentChecks >= SILENT_CHECKS && this.heartbeats) {
      if (this.#probed) {
        if (this.#silentChecks >= 2 * SILENT_CHECKS) {
          this.watched.silent(`a reply is owed, and nothing was read for ${2 * this.options.readSilenceMs} ms`);
          return;
        }
      } else {
        this.#probed = this.watched.probe();
      }
    }
    this.watched.check();
  }

  #idleCheck(read: boolean): void {
    if (this.runtime.now() - this.#idleSince >= this.options.idleMs) {
      this.watched.idle();
      return;
    }
    this.#armIdle();
    if (!this.heartbeats) return;
    if (read) this.#unanswered = 0;
    if (this.#unanswered >= UNANSWERED_HEARTBEATS) {
      this.watched.silent(`${UNANSWERED_HEARTBEATS} heartbeats were not answered`);
    } else if (this.watched.probe()) {
      this.#unanswered++;
    }
  }

  #restAgain(): void {
    this.#busy = false;
    this.#unanswered = 0;
    this.#idleSince = this.runtime.now();
    this.watched.rest(true);
    this.#armIdle();
  }

  #armIdle(): void {
    const idleLeft = this.#idleSince + this.options.idleMs - this.runtime.now();
    this.#arm(this.heartbeats ? Math.min(this.options.heartbeatMs, idleLeft) : idleLeft);
  }

  #arm(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.runtime.timers.arm(delayMs, this);
  }
}
