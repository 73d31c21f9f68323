import { describeProblem, loadRules } from '../sources/file/index.js';
import { blocks } from '../sources/file/problem.js';
import { toRouteConfigurations } from '../sources/metards/server/route-configurations.js';
import type { OutputIo } from './io.js';
import { rulesArgs } from './rules-args.js';

const HELP = `meltemi routes RULES... [--json]

Prints the RouteConfigurations, in xDS proto JSON, that MetaRDS would send for these rules: an array sorted by name.
RULES are YAML files, and folders that are walked for .yaml, .yml and .json.

  --json   on one line

Exit codes: 0, 1 if the rules cannot be used (the problems go to stderr), 2 for wrong usage.
`;

/**
 * `meltemi routes`. What Aeraki's admission refuses is told on stderr and printed all the same, since MetaRDS serves it.
 * @returns the exit code
 */
export async function routesCommand(args: readonly string[], io: OutputIo): Promise<number> {
  const parsed = rulesArgs('routes', HELP, args, io);
  if (typeof parsed === 'number') return parsed;
  const rules = await loadRules(parsed.paths);
  for (const problem of rules.problems) {
    const tell = rules.usable ? problem.severity === 'error' : blocks(problem);
    if (tell) io.stderr.write(`${describeProblem(problem)}\n`);
  }
  if (!rules.usable) return 1;
  const routes = toRouteConfigurations(rules.services);
  io.stdout.write(`${parsed.json ? JSON.stringify(routes) : JSON.stringify(routes, null, 2)}\n`);
  return 0;
}
