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
  /** By how much more it may be over, for noise that no repetition takes out. In the row's unit. */
  readonly slack?: number;
}

/** Measures one part; runs in a process of its own, so that no other part's types are in its way. */
export interface Suite {
  readonly name: string;
  readonly about: string;
  /** Has it rows with a budget? Others are left out of `--check`. */
  readonly budgets: boolean;
  run(): Promise<readonly Row[]>;
}

export const us = (ns: number): number => ns / 1000;
