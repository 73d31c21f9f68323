import type { RuleKind } from './model.js';

/** What is known of a source, for `ready` and for people. */
export interface SourceStatus {
  readonly name: string;
  readonly precedence: number;
  /** Has it said everything it has, at least once? */
  readonly synced: boolean;
  /** It will never say anything again; what it said stays in force. */
  readonly failed: boolean;
  /** For people: what it complained of in the newest batch that said anything. */
  readonly problems: readonly string[];
  /** Rules that it has, whether or not another source's are over them. */
  readonly rules: Readonly<Record<RuleKind, number>>;
}

/** {@link SourceStatus}, as the store keeps it. */
export class SourceState implements SourceStatus {
  synced = false;
  failed = false;
  problems: readonly string[] = [];
  readonly rules: Record<RuleKind, number> = { service: 0, routes: 0, cluster: 0, endpoints: 0 };

  constructor(
    readonly name: string,
    readonly precedence: number,
    /** When it was registered, among its fellows. */
    readonly order: number,
  ) {}
}
