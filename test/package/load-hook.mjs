/** A hook of Node's module loader, in its thread: writes down the URL of every module that is loaded. */
import { appendFileSync } from 'node:fs';

let log;

export function initialize(data) {
  log = data.log;
}

export function load(url, context, next) {
  appendFileSync(log, `${url}\n`);
  return next(url, context);
}
