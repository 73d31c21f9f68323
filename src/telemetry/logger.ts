import { isoTime, type Runtime } from '../runtime/index.js';
import { forgivingStream } from './forgiving-stream.js';

/**
 * Where the mesh writes to people. Any of the usual loggers will do: pino, winston, console. Nothing is logged on the
 * call path; a failing call is its caller's to report.
 */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** From which level on; `silent`: nothing. */
export type LogLevel = keyof Logger | 'silent';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** A line each to stderr: what the mesh uses if it is given nothing else. */
export function stderrLogger(
  runtime: Pick<Runtime, 'wallNow'>,
  out: { write(text: string): unknown } = forgivingStream(process.stderr),
  from: LogLevel = 'warn',
): Logger {
  const line = (level: keyof Logger) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(from)) return ignore;
    return (message: string) => {
      out.write(`${isoTime(runtime.wallNow())} meltemi ${level} ${oneLine(message)}\n`);
    };
  };
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}

/** Says nothing. */
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** Distinct messages remembered; beyond that the oldest is forgotten and may be logged again. */
const REMEMBERED = 256;
/** As long as this the same message is logged once. */
const AGAIN_AFTER_MS = 60_000;

interface Seen {
  until: number;
  suppressed: number;
}

/**
 * Logs a message of the same level and text once a minute, and then how often it was kept back meanwhile: a broken rules
 * file that is read each second, or a peer that is down, must not fill a disk. A logger that throws loses the line.
 */
export function withoutRepeats(inner: Logger, runtime: Runtime, againAfterMs = AGAIN_AFTER_MS): Logger {
  const seen = new Map<string, Seen>();
  const once = (level: keyof Logger) => (message: string) => {
    const key = `${level} ${message}`;
    const now = runtime.now();
    const before = seen.get(key);
    if (before !== undefined && now < before.until) {
      before.suppressed++;
      return;
    }
    seen.delete(key);
    if (seen.size >= REMEMBERED) seen.delete(seen.keys().next().value!);
    seen.set(key, { until: now + againAfterMs, suppressed: 0 });
    const more = before?.suppressed ?? 0;
    try {
      inner[level](more === 0 ? message : `${message} (and ${more} times more since it was last logged)`);
    } catch {
      // Half of a change of rules, or a call, must not be lost for a line.
    }
  };
  return { debug: once('debug'), info: once('info'), warn: once('warn'), error: once('error') };
}

function ignore(): void {}

/** One line a record, whatever a peer or a file put into the message: no forged lines, no terminal escapes. */
export function oneLine(text: string): string {
  let out = '';
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (!isControl(code)) continue;
    out += text.slice(from, i) + escaped(code);
    from = i + 1;
  }
  return from === 0 ? text : out + text.slice(from);
}

/** C0, DEL, C1, and the two line separators of Unicode. */
function isControl(code: number): boolean {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x2028 || code === 0x2029;
}

function escaped(code: number): string {
  if (code === 0x0a) return '\\n';
  if (code === 0x0d) return '\\r';
  if (code === 0x09) return '\\t';
  return `\\u${code.toString(16).padStart(4, '0')}`;
}
