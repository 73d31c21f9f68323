import { STATUS } from '../header.js';
import { javaClassOf } from './value-reader.js';

/** A business exception: the provider's method threw it. An answer, so nothing retries it. */
export class DubboException extends Error {
  override readonly name = 'DubboException';

  private constructor(
    /** Of the throwable, such as `java.lang.IllegalStateException`. */
    readonly className: string,
    message: string,
    /** The fields of its own, beside message, cause and stack. */
    readonly fields: Readonly<Record<string, unknown>>,
    /** Java's frames, such as `at com.acme.Shop.buy(Shop.java:12)`; empty if it sent none. */
    readonly javaStack: readonly string[],
    cause: DubboException | undefined,
  ) {
    super(message);
    if (cause !== undefined) this.cause = cause;
    this.stack = [`${this.name}: ${className}: ${message}`, ...javaStack.map((frame) => `    ${frame}`)].join('\n');
  }

  /** @param thrown - the throwable as it was read from the reply. */
  static from(thrown: unknown): DubboException {
    return read(thrown, MAX_CAUSES);

    function read(value: unknown, causes: number): DubboException {
      if (typeof value !== 'object' || value === null) {
        return new DubboException('java.lang.Throwable', text(value), {}, [], undefined);
      }
      const { detailMessage, stackTrace, cause, suppressedExceptions: _, ...fields } = value as Throwable;
      const nested = cause !== undefined && cause !== null && cause !== value && causes > 0;
      const inner = nested ? read(cause, causes - 1) : undefined;
      const className = javaClassOf(value) ?? 'java.lang.Throwable';
      const generic = className.endsWith('.GenericException') && typeof fields.exceptionClass === 'string';
      return new DubboException(
        generic ? text(fields.exceptionClass) : className,
        text(generic ? fields.exceptionMessage : detailMessage),
        fields,
        Array.isArray(stackTrace) ? stackTrace.map(frame) : [],
        inner,
      );
    }
  }
}

/** A reply whose status is not 20: the framework refused or failed; the method did not answer. */
export class DubboFrameworkError extends Error {
  override readonly name = 'DubboFrameworkError';

  constructor(
    /** As on the wire, such as 70. */
    readonly status: number,
    /** All that the peer wrote; Java adds its stack. The first line is in `message`. */
    readonly text: string,
  ) {
    super(`${status} ${STATUS_NAMES.get(status) ?? 'unknown status'}: ${text.split('\n', 1)[0]}`);
  }
}

/** A throwable without a cause refers to itself; a circle of causes ends here. */
const MAX_CAUSES = 16;

interface Throwable extends Record<string, unknown> {
  readonly detailMessage?: unknown;
  readonly stackTrace?: unknown;
  readonly cause?: unknown;
}

function frame(element: unknown): string {
  const { declaringClass, methodName, fileName, lineNumber } = (element ?? {}) as Record<string, unknown>;
  const line = typeof lineNumber === 'number' && lineNumber >= 0 ? `:${lineNumber}` : '';
  const where = lineNumber === -2 ? 'Native Method' : `${text(fileName) || 'Unknown Source'}${line}`;
  return `at ${text(declaringClass)}.${text(methodName)}(${where})`;
}

/** What should be a string, but comes from the wire: an object there may have a `toString` that is no function. */
function text(value: unknown): string {
  return typeof value === 'object' ? '' : String(value ?? '');
}

const STATUS_NAMES = new Map<number, string>(Object.entries(STATUS).map(([name, status]) => [status, name]));
