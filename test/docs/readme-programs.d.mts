export interface SessionCommand {
  readonly command: string;
  readonly output: readonly string[];
}

export interface SessionResult {
  readonly command: string;
  readonly expected: readonly string[];
  readonly printed: readonly string[];
  readonly matches: boolean;
}

export function readBlocks(markdown: string): {
  readonly files: ReadonlyMap<string, string>;
  readonly sessions: readonly (readonly SessionCommand[])[];
};

export function writeFiles(
  folder: string,
  files: ReadonlyMap<string, string>,
  replace?: (text: string) => string,
): Promise<void>;

export function runSession(
  folder: string,
  commands: readonly SessionCommand[],
  replace?: (text: string) => string,
): Promise<readonly SessionResult[]>;

export function readme(): Promise<string>;
