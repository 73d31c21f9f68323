/**
 * Keeps the process alive for sockets that have no handle which the event loop could know of: one timer that does nothing,
 * counted. It belongs to no caller's async context, as it is made when this is loaded.
 */
const LONGEST_MS = 2 ** 31 - 1;
const timer = setInterval(() => {}, LONGEST_MS).unref();
let holders = 0;

export function holdProcess(): void {
  if (holders++ === 0) timer.ref();
}

export function releaseProcess(): void {
  if (--holders === 0) timer.unref();
}
