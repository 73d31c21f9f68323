/** What `meltemi sidecar` says: for people in words, for programs an object a line. */

import { oneLine } from '../../src/telemetry/index.js';
import { listenerInWords, type SidecarReport } from '../hosts/sidecar/index.js';
import type { OutputIo } from './io.js';

export function tellJson(io: OutputIo): (report: SidecarReport) => void {
  return ({ type, ...rest }) => {
    // A parent that waits for a process looks for "ready" first.
    const line = type === 'ready' ? { ready: true, type, ...rest } : { type, ...rest };
    io.stdout.write(`${JSON.stringify(line)}\n`);
  };
}

/** Problems go to stderr. */
export function tellPeople(io: OutputIo): (report: SidecarReport) => void {
  return (report) => {
    (report.type === 'problem' ? io.stderr : io.stdout).write(
      `${inWords(report).split('\n').map(oneLine).join('\n')}\n`,
    );
  };
}

function inWords(report: SidecarReport): string {
  switch (report.type) {
    case 'listening':
      return listenerInWords(report.listener, report.port);
    case 'closed':
      return `closed: ${listenerInWords(report.listener, report.port)}`;
    case 'ready':
      return `ready; health at http://${report.health.host}:${report.health.port}/healthz/ready`;
    case 'reloaded':
      return 'configuration and rules are read again';
    case 'restarted':
      return `worker ${report.worker} is there again (process ${report.pid})`;
    case 'ending':
      return `${report.signal}: not ready from now on; no new connections in ${report.graceMs} ms, and ${report.drainMs} ms for those there are`;
    case 'problem':
      return report.message;
  }
}
