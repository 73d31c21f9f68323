import type { Expirable, Runtime, Timer } from '../../runtime/index.js';

/** A loopback answer takes under a millisecond; who does not answer by then is not there. */
const ANSWER_MS = 1000;
/** A sidecar container may start after ours. */
const AGAIN_MS = 1000;

/**
 * Whether a sidecar is there: asked at the start, and again each second for as long as one is needed and missing. Once
 * found it is taken for granted: one that restarts is no reason to send its calls another way.
 */
export class Detection implements Expirable {
  /** Undefined: not known yet. */
  present: boolean | undefined = undefined;
  private asking = false;
  private timer: Timer | undefined;
  private closed = false;

  constructor(
    private readonly runtime: Runtime,
    private readonly detect: () => Promise<boolean>,
    /** The answer is another than before. */
    private readonly changed: (present: boolean) => void,
  ) {
    this.ask();
  }

  /** A destination needs a sidecar and has none. */
  needed(): void {
    if (this.present !== false || this.asking || this.closed || this.timer !== undefined) return;
    this.timer = this.runtime.timers.arm(AGAIN_MS, this);
  }

  expired(): void {
    this.timer = undefined;
    if (this.asking) this.answered(false);
    else this.ask();
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
    this.timer = undefined;
  }

  private ask(): void {
    this.asking = true;
    this.timer = this.runtime.timers.arm(ANSWER_MS, this);
    this.timer.ref();
    const { detect } = this;
    new Promise<boolean>((resolve) => resolve(detect())).then(
      (present) => this.answered(present === true),
      () => this.answered(false),
    );
  }

  /** Late is better than never, for a yes. */
  private answered(present: boolean): void {
    if (this.closed || this.present === true || !(this.asking || present)) return;
    this.asking = false;
    this.timer?.cancel();
    this.timer = undefined;
    const before = this.present;
    this.present = present;
    // Told again as long as it is needed, so that a no leads to the next question.
    if (before !== present || !present) this.changed(present);
  }
}
