import type { WantedListener } from './wanted.js';

/** A listener that is open. */
export interface OpenListener {
  readonly listener: WantedListener;
  /** The one it got, where any would do. */
  readonly port: number;
}

/** What a sidecar says of itself, in the order in which it happens. */
export type SidecarReport =
  | ({ readonly type: 'listening' } & OpenListener)
  /** Its service is gone, or nobody wants it any more. What it serves may go on for the drain time. */
  | ({ readonly type: 'closed' } & OpenListener)
  | {
      readonly type: 'ready';
      readonly pid: number;
      readonly health: { readonly host: string; readonly port: number };
      readonly listeners: readonly OpenListener[];
    }
  | { readonly type: 'reloaded' }
  /** One that stands in for a worker that had died is ready. `worker` counts from 1. */
  | { readonly type: 'restarted'; readonly worker: number; readonly pid: number }
  | { readonly type: 'ending'; readonly signal: string; readonly graceMs: number; readonly drainMs: number }
  | { readonly type: 'problem'; readonly message: string };
