import type { Readable, Writable } from 'node:stream';

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

/** Parsing errors of `node:util` are the caller's. */
export function isUsageError(error: unknown): error is Error {
  return error instanceof UsageError || String((error as { code?: string }).code).startsWith('ERR_PARSE_ARGS');
}
