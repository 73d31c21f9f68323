import type { Expirable, Runtime, Timer } from '../runtime/index.js';
import type { EndedCall } from './ended-call.js';
import { compileFormat, REDACTED_KEYS, renderJson, renderText, type Segments } from './log-format.js';

/** Istio's line for these protocols, and ours if no format is given. */
export const DEFAULT_FORMAT =
  '[%START_TIME%] %PROTOCOL% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% "%OPERATION%" ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% "%REQUEST_ID%" %UPSTREAM_CLUSTER% %UPSTREAM_HOST% ' +
  '%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %ROUTE_NAME%';

/** What a line for each call says, and where it goes. */
export interface AccessLogOptions {
  /** A line of text, or the fields of a JSON object. @defaultValue the line in docs/observability.md */
  readonly format?: string | Readonly<Record<string, string>>;
  /** Where lines go: a file's stream, stdout. Its errors are its owner's to handle. */
  readonly out: LogStream;
  readonly runtime: Runtime;
  /** Keys whose values are never logged. @defaultValue those in docs/observability.md */
  readonly redact?: readonly string[];
}

/** What is needed of a stream. `write` answers false when it has enough, and then emits `drain`. */
export interface LogStream {
  write(text: string): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

/** Ended calls that wait to be made into lines; each holds its messages. */
const MAX_WAITING = 4096;
/** Lines made at a time, so that a burst does not hold up the event loop: 1 ms or so. */
const BATCH = 512;
/** Characters that wait for a stream which has enough. */
const MAX_UNWRITTEN = 1 << 20;

/**
 * A line for each call, off its path: a line costs as much as the whole of the pipeline, so an ended call is only put
 * into a queue, and the next tick of the timer wheel makes lines of what is there and writes them at once. The queue and
 * what a slow stream leaves unwritten are bounded; what does not fit is dropped and counted.
 */
export class AccessLog implements Expirable {
  readonly #render: (ended: EndedCall) => string;
  readonly #out: LogStream;
  readonly #runtime: Runtime;
  #waiting: EndedCall[] = [];
  #unwritten = '';
  #blocked = false;
  #timer: Timer | undefined = undefined;
  /** Lines that were not written, since it was made. */
  dropped = 0;

  /** @throws {@link Error} - the format has an unknown operator. */
  constructor(options: AccessLogOptions) {
    this.#render = renderer(options.format ?? DEFAULT_FORMAT, options.redact ?? REDACTED_KEYS);
    this.#out = options.out;
    this.#runtime = options.runtime;
  }

  record(ended: EndedCall): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.dropped++;
      return;
    }
    this.#waiting.push(ended);
    if (this.#timer === undefined) this.#arm();
  }

  /** Writes what is there, at once. For the end of the process. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    while (this.#waiting.length > 0) this.#batch();
    this.#write();
  }

  /** @internal */
  expired(): void {
    this.#timer = undefined;
    this.#batch();
    this.#write();
    if (this.#waiting.length > 0) this.#arm();
  }

  #arm(): void {
    this.#timer = this.#runtime.timers.arm(0, this);
    this.#timer.ref();
  }

  #batch(): void {
    const { length } = this.#waiting;
    const batch = length <= BATCH ? this.#waiting : this.#waiting.slice(0, BATCH);
    this.#waiting = length <= BATCH ? [] : this.#waiting.slice(BATCH);
    for (const ended of batch) {
      if (this.#unwritten.length >= MAX_UNWRITTEN) this.dropped++;
      else this.#unwritten += `${this.#line(ended)}\n`;
    }
  }

  #line(ended: EndedCall): string {
    try {
      return this.#render(ended);
    } catch (thrown) {
      return `no line: ${thrown instanceof Error ? thrown.name : 'the reader'} while reading an attribute`;
    }
  }

  #write(): void {
    if (this.#blocked || this.#unwritten === '') return;
    const text = this.#unwritten;
    this.#unwritten = '';
    if (this.#out.write(text)) return;
    this.#blocked = true;
    this.#out.once('drain', () => {
      this.#blocked = false;
      this.#write();
    });
  }
}

function renderer(format: string | Readonly<Record<string, string>>, redact: readonly string[]) {
  if (typeof format === 'string') {
    const segments = compileFormat(format, redact);
    return (ended: EndedCall) => renderText(segments, ended);
  }
  const fields = Object.entries(format).map(([name, value]): [string, Segments] => [
    name,
    compileFormat(value, redact),
  ]);
  return (ended: EndedCall) => renderJson(fields, ended);
}
