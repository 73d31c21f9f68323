import { parseArgs } from 'node:util';
import { runSidecar } from '../hosts/sidecar/index.js';
import { readEnvironment } from '../node/environment.js';
import type { OutputIo } from './io.js';
import { tellJson, tellPeople } from './sidecar-report.js';
import { workersOf } from './workers.js';

const HELP = `meltemi sidecar [--config FILE] [--workers N] [--json]

The mesh as a process of its own, for clients and servers that cannot have it within: it listens where \`listeners\` of the
configuration says, and runs until SIGTERM or SIGINT. The environment's MELTEMI_ variables stand over the file.

  --config FILE   a meltemi.config.mjs or .yaml (default: \`MELTEMI_CONFIG\`, else the one in this folder)
  --workers N     processes that serve the same listeners, for more than one core (default: \`workers\` of the
                  configuration, 1)
  --json          an object a line on stdout

SIGTERM, SIGINT: not ready; after \`shutdown.grace\` no new connections; those there are served until they are closed, for
\`shutdown.drain\` at most. A second one cuts that short.
SIGHUP: configuration and rules are read again, and listeners changed by what differs.

Exit codes: 0 ended in order, 1 cut short or something is wrong, 2 for wrong usage.
`;

/** `meltemi sidecar`. @returns the exit code */
export async function sidecarCommand(args: readonly string[], io: OutputIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: 'string' },
      workers: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    io.stdout.write(HELP);
    return 0;
  }
  const env = { ...process.env, ...(values.config !== undefined && { MELTEMI_CONFIG: values.config }) };
  const workers = values.workers === undefined ? {} : { workers: workersOf(values.workers) };
  const tell = values.json ? tellJson(io) : tellPeople(io);
  const warn = (message: string) => tell({ type: 'problem', message });
  return runSidecar({ load: async () => ({ ...(await readEnvironment(env, { warn })), ...workers }), tell });
}
