import { ask, type ControlEntry, listControls } from '../control/index.js';
import type { ProcessStatus, WorkersStatus } from '../node/control.js';
import { type OutputIo, readArgs, UsageError } from './io.js';
import { statusInWords, workersInWords } from './status-in-words.js';

const USAGE = `meltemi status [PID | --pid PID | --socket PATH] [--json]

What a running process is doing: where its rules come from and how they stand, services whose newest rules are not in
force and why, those whose calls go by a sidecar or nowhere, ports that it listens on or that rules govern, clusters
with their circuits and endpoints, calls under way. It must run with \`control\` in its configuration, by the same user.

  PID, --pid PID  of this process; needed if there are several. A sidecar's workers are told with it; each may be asked
  --socket PATH   the one on this socket, where \`control\` names one
  --json          one JSON object

Exit code 0: printed. 1: there is no such process, or it does not answer. 2: wrong usage, or there are several.
`;

/** `meltemi status`. */
export async function statusCommand(args: readonly string[], { stdout, stderr }: OutputIo): Promise<number> {
  const { values, positionals } = readArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      pid: { type: 'string' },
      socket: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    stdout.write(USAGE);
    return 0;
  }
  const { socket, pid = positionals[0] } = values;
  if (positionals.length > (values.pid === undefined ? 1 : 0)) throw new UsageError('one process at a time');
  const found = socket === undefined ? await findControls(pid) : [{ path: socket }];
  if (found.length === 0) {
    const none = pid === undefined ? 'no process of this user has an' : `process ${pid} has no`;
    stderr.write(`meltemi status: ${none} open control socket: see \`control\` in the configuration\n`);
    return 1;
  }
  if (found.length > 1) {
    stderr.write('meltemi status: there are several; choose one with --socket PATH, or by its PID\n');
    for (const { path } of found) stderr.write(`  ${await describe(path)}\n`);
    return 2;
  }
  const status = await statusOf(found[0]!.path);
  stdout.write(values.json ? `${JSON.stringify(status)}\n` : inWords(status));
  return 0;
}

async function findControls(pid: string | undefined): Promise<readonly ControlEntry[]> {
  const wanted = pid === undefined ? undefined : Number(pid);
  if (wanted !== undefined && !(Number.isInteger(wanted) && wanted > 0)) {
    throw new UsageError(`PID is the number of a process; got ${pid}`);
  }
  const all = await listControls();
  return wanted === undefined ? withoutWorkers(all) : all.filter(({ pid }) => pid === wanted);
}

/** A worker's parent tells of it, and is meant. */
async function withoutWorkers(entries: readonly ControlEntry[]): Promise<readonly ControlEntry[]> {
  if (entries.length < 2) return entries;
  const pids = new Set(entries.map(({ pid }) => pid));
  const parents = await Promise.all(
    entries.map(({ path }) =>
      statusOf(path).then(
        ({ process }) => process.parent,
        () => undefined,
      ),
    ),
  );
  return entries.filter((_, index) => !pids.has(parents[index] ?? -1));
}

function inWords(status: ProcessStatus | WorkersStatus): string {
  return 'workers' in status ? workersInWords(status) : statusInWords(status);
}

async function statusOf(path: string): Promise<ProcessStatus | WorkersStatus> {
  const status = (await ask(path, '/status')) as Partial<ProcessStatus> | null;
  if (status?.format === 1) return status as ProcessStatus | WorkersStatus;
  throw new Error(`${path} answers in the form of another version of Meltemi`);
}

async function describe(path: string): Promise<string> {
  return statusOf(path).then(
    ({ process }) => `${String(process.pid).padEnd(8)}${process.program.padEnd(24)}${path}`,
    (error: Error) => error.message,
  );
}
