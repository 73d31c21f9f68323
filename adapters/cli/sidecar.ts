import { runSidecar } from '../hosts/sidecar/index.js';
import type { LoadedConfig } from '../node/config.js';
import { readEnvironment } from '../node/environment.js';
import { type OutputIo, readArgs } from './io.js';
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
  const { values } = readArgs({
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
  const load = async () => {
    const config = await readEnvironment(env, { warn });
    checkUse(config, warn);
    return { ...config, ...workers };
  };
  const run = runSidecar({ load, tell });
  if (!values.json) return run;
  return run.catch((error: Error) => {
    warn(error.message);
    return 1;
  });
}

/**
 * As of any proxy, nothing to do is a mistake; half of it is told, since the rest may come with SIGHUP.
 * @throws Error - it has neither rules nor listeners
 */
function checkUse({ rules, metards, listeners, sidecar }: LoadedConfig, warn: (message: string) => void): void {
  const { outbound, inbound } = listeners;
  const ports = [...Object.keys(outbound.ports), ...Object.keys(sidecar.ports), ...inbound];
  const [hasRules, listens] = [rules.length > 0 || metards !== undefined, ports.length > 0 || outbound.vip];
  const noRules =
    'there are no rules: `rules` or `metards` of the configuration, MELTEMI_RULES or MELTEMI_METARDS say where';
  const noListeners = 'it listens for no service: `listeners` of the configuration says for which';
  if (!hasRules && !listens) throw new Error(`${noRules}; and ${noListeners}`);
  if (!hasRules) warn(noRules);
  if (!listens) warn(noListeners);
}
