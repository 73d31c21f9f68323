import { formatAddress } from '../../src/connection/index.js';
import type { SourceStatus } from '../../src/index.js';
import { oneLine } from '../../src/telemetry/index.js';
import type { ProcessStatus, WorkersStatus } from '../node/control.js';

/** Endpoints are shown one by one up to here, which fits a screen. */
const MAX_ENDPOINTS = 20;
const MAX_PLACEMENTS = 20;

/**
 * For people, a section each. Names and reasons are of peers, files and control planes: control characters are escaped, so
 * that nothing of them reaches the terminal as a command.
 */
export function statusInWords(status: ProcessStatus): string {
  const { at } = status;
  const { pid, program, uptimeMs } = status.process;
  const lines = [
    `process ${pid} (${program}), node ${status.node.id ?? '-'}, up ${span(uptimeMs)}`,
    `rules ${status.version}, calls under way: ${status.activeCalls}`,
    '',
    ...table(
      ['source', 'state', 'for', 'version', 'last said', 'rules', 'updates', 'rejected'],
      status.sources.map((source) => [
        source.name,
        source.state,
        span(at - source.since),
        source.version ?? '-',
        source.changedAt === undefined ? 'never' : `${span(at - source.changedAt)} ago`,
        counts(source),
        String(source.updates),
        String(source.rejected),
      ]),
    ),
    ...status.sources.flatMap((source) => complaints(source, at)),
  ];
  if (status.held.length > 0) lines.push('', 'not in force, and why; the rules before stay:');
  for (const { service, why } of status.held) lines.push(`  ${service}: ${why.join('; ')}`);
  lines.push(...elsewhere(status));
  lines.push(...portLines(status));
  if (status.clusters.length > 0) {
    lines.push('', ...table(['cluster', 'circuit', 'endpoints'], status.clusters.map(clusterRow)));
  }
  for (const cluster of status.clusters) lines.push(...endpointLines(cluster));
  return `${lines.map(oneLine).join('\n')}\n`;
}

/** Of a process whose workers do the work: a line each. */
export function workersInWords({ process, node, workers }: WorkersStatus): string {
  const { pid, program, uptimeMs } = process;
  const rows = workers.map((worker, index) => {
    if (worker === undefined) return [String(index + 1), '-', '-', '-', '-', 'does not answer, or is being started'];
    const sources = worker.sources.map(({ name, state }) => `${name} ${state}`).join(', ');
    const { pid, uptimeMs } = worker.process;
    return [String(index + 1), String(pid), span(uptimeMs), worker.version, String(worker.activeCalls), sources];
  });
  const lines = [
    `process ${pid} (${program}), node ${node.id ?? '-'}, up ${span(uptimeMs)}; its workers, each of which --pid N tells more of:`,
    '',
    ...table(['worker', 'process', 'up', 'rules', 'calls under way', 'sources'], rows),
  ];
  return `${lines.map(oneLine).join('\n')}\n`;
}

function counts({ rules }: SourceStatus): string {
  const some = Object.entries(rules).filter(([, count]) => count > 0);
  return some.length === 0 ? 'none' : some.map(([kind, count]) => `${kind} ${count}`).join(', ');
}

function complaints({ name, lastError, problems }: SourceStatus, at: number): string[] {
  const lines = problems.map(({ severity, message }) => `  ${name}: ${severity}: ${message}`);
  if (lastError !== undefined) lines.unshift(`  ${name}: ${span(at - lastError.at)} ago: ${lastError.message}`);
  return lines;
}

/** Services whose calls do not go through the pipeline of the process, or are not what their rules say. */
function elsewhere({ placements, at }: ProcessStatus): string[] {
  const odd = placements.filter(({ reason }) => reason !== 'served' && reason !== 'undescribed');
  if (odd.length === 0) return [];
  const rows = odd
    .slice(0, MAX_PLACEMENTS)
    .map(({ service, placement, since, why }) => [service, placement, span(at - since), why]);
  const lines = table(['calls to', 'go', 'for', 'since'], rows);
  const more = odd.length - rows.length;
  return ['', ...lines, ...(more > 0 ? [`  and ${more} more; --json has all`] : [])];
}

function portLines({ ports }: ProcessStatus): string[] {
  if (ports.length === 0) return [];
  const rows = ports.map(({ direction, host, port, service, connections }) => {
    const at = host === undefined ? `${port}` : formatAddress({ host, port });
    return [at, direction, service ?? '- (no rule describes it)', String(connections)];
  });
  return ['', ...table(['port', 'calls', 'of', 'connections'], rows)];
}

type Cluster = ProcessStatus['clusters'][number];

function clusterRow({ name, circuit, endpoints }: Cluster): string[] {
  const healthy = endpoints.filter((it) => it.healthy).length;
  return [name, circuit ?? '-', `${healthy} of ${endpoints.length} take calls`];
}

/** Those that do not take calls come first: they are what one looks for. */
function endpointLines({ name, endpoints }: Cluster): string[] {
  if (endpoints.length === 0) return [];
  const sorted = [...endpoints].sort((a, b) => Number(a.healthy) - Number(b.healthy));
  const lines = sorted.slice(0, MAX_ENDPOINTS).map((it) => {
    const what = [
      it.wantsMtls ? 'wants mTLS' : '',
      it.ejectedMs > 0 ? `ejected for ${span(it.ejectedMs)}` : '',
      it.draining ? 'draining' : '',
      it.connected ? 'connected' : 'not connected',
      `${it.inflight} in flight`,
      it.consecutiveFailures > 0 ? `${it.consecutiveFailures} failures in a row` : '',
    ];
    return `  ${it.address.padEnd(22)} ${what.filter((part) => part !== '').join(', ')}`;
  });
  const more = endpoints.length - lines.length;
  if (more > 0) lines.push(`  and ${more} more; --json has all`);
  return ['', name, ...lines];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows.map((row) => row.map(oneLine))];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** The two largest units: `3m 20s`. */
function span(ms: number): string {
  let rest = Math.max(0, Math.round(ms / 1000) * 1000);
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? '0s' : parts.join(' ');
}
