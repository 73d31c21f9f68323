/** One figure. Rows of a group share a baseline that was measured in the same run. */
export interface Row {
  readonly group: string;
  readonly name: string;
  readonly value: number;
  readonly unit: 'µs' | 'B' | 'ms' | 'MB' | '×';
  /** Against the group's baseline. */
  readonly ratio?: number;
  /** What it must not exceed. CPU times are compared after scaling with the reference loop, see `reference.ts`. */
  readonly limit?: number;
  readonly note?: string;
}

/** Measures one part; runs in a process of its own, so that no other part's types are in its way. */
export interface Suite {
  readonly name: string;
  readonly about: string;
  run(): Promise<readonly Row[]>;
}

export const us = (ns: number): number => ns / 1000;
