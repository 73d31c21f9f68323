import { AsyncResource } from 'node:async_hooks';

/**
 * Sockets are shared and live long: one that were opened inside a caller's async context would deliver every other
 * caller's replies in it, and retain its store until it is closed. Everything here is therefore opened in the context
 * that this module was loaded in.
 */
const ROOT = new AsyncResource('meltemi.connection');

/** Runs `open` in the root context, at once. */
export function inRootContext<T>(open: () => T): T {
  return ROOT.runInAsyncScope(open);
}
