import type { Readable, Writable } from 'node:stream';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from '../node/nearest.js';

/** Where a command reads and writes; the process's own streams, or a test's. */
export interface CommandIo {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Of a command that reads no input. */
export interface OutputIo {
  readonly stdout: Pick<Writable, 'write'>;
  readonly stderr: Pick<Writable, 'write'>;
}

/** Results on stdout, errors on stderr. @returns exit code: 0 done, 1 problems found, 2 wrong usage or unreadable input */
export type Command = (args: readonly string[], io: CommandIo) => Promise<number>;

/** The command was called wrongly; a line for people. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * {@link parseArgs}, with the option that was perhaps meant.
 * @throws UsageError - there is no such option
 */
export function readArgs<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const written = /^Unknown option '--([^']+)'/.exec((error as Error).message)?.[1];
    const meant = written === undefined ? undefined : nearest(written, Object.keys(config.options ?? {}));
    if (meant === undefined) throw error;
    throw new UsageError(`Unknown option '--${written}'; did you mean '--${meant}'?`);
  }
}

/** Parsing errors of `node:util` are the caller's. */
export function isUsageError(error: unknown): error is Error {
  return error instanceof UsageError || String((error as { code?: string }).code).startsWith('ERR_PARSE_ARGS');
}
