/** What `meltemi rds` says: for people in words, for programs an object a line. */

import { formatAddress } from '../../src/connection/index.js';
import type { MetaRdsEvent } from '../sources/metards/server/index.js';
import type { OutputIo } from './io.js';

/** That it listens, with the port it got; then what happens. */
export type RdsReport =
  | {
      readonly type: 'listening';
      readonly ready: true;
      readonly host: string;
      readonly port: number;
      readonly tls: boolean;
    }
  | MetaRdsEvent;

/** So many names in a line. */
const NAMES = 5;

export function tellJson(io: OutputIo): (report: RdsReport) => void {
  return ({ type, ...rest }) => {
    // A parent that waits for a peer looks for "ready" first.
    const line = type === 'listening' ? { ready: true, type, ...rest } : { type, ...rest };
    io.stdout.write(`${JSON.stringify(line)}\n`);
  };
}

/** Problems go to stderr. */
export function tellPeople(io: OutputIo): (report: RdsReport) => void {
  return (report) => {
    const text = inWords(report);
    if (text !== undefined) (report.type === 'problem' ? io.stderr : io.stdout).write(`${text}\n`);
  };
}

function inWords(report: RdsReport): string | undefined {
  switch (report.type) {
    case 'listening':
      return `MetaRDS at ${formatAddress(report)}, ${report.tls ? 'mutual TLS' : 'plain text'}`;
    case 'built':
      return `version ${report.version} to ${report.streams} stream${report.streams === 1 ? '' : 's'}: ${different(report)}`;
    case 'subscribed':
      return `${quoted(report.node)} subscribes to ${report.names.length === 0 ? 'all names' : list(report.names.map(quoted))}`;
    case 'accepted':
      return `${quoted(report.node)} accepts version ${report.version}`;
    case 'refused':
      return `${quoted(report.node)} refuses version ${report.version}: ${quoted(report.reason)}`;
    case 'closed':
      return `${quoted(report.node)} is gone`;
    case 'problem':
      return report.message;
    default:
      return undefined;
  }
}

function different({ names, changed }: Extract<RdsReport, { type: 'built' }>): string {
  if (names.length === 0) return 'no routes';
  if (changed.length === 0) return 'nothing is different';
  const still = new Set(names);
  return list(changed.map((name) => (still.has(name) ? name : `${name} (gone)`)));
}

function list(names: readonly string[]): string {
  const more = names.length - NAMES;
  return `${names.slice(0, NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** A client's own words: in one line, of bounded length, without control characters. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
