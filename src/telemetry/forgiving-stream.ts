import type { Writable } from 'node:stream';
import type { LogStream } from './access-log.js';

/**
 * A stream of a process that is not ours, such as its stderr, for our lines: if nobody reads it any more they are lost, as those of
 * `console` are. Node would tell of it by an `error` event, which ends a process that does not listen for it. It is listened for
 * while a line of ours is on its way: what becomes of the app's own lines is as without.
 */
export function forgivingStream(stream: Writable): LogStream {
  let underWay = 0;
  const written = () => {
    // The event comes after the callback.
    setImmediate(() => {
      if (--underWay === 0) stream.off('error', ignore);
    });
  };
  return {
    write(text) {
      if (underWay++ === 0) stream.on('error', ignore);
      return stream.write(text, written);
    },
    once: (event, listener) => stream.once(event, listener),
  };
}

function ignore(): void {}
