import type { PlanDescription } from '../../src/mesh/index.js';
import { type OutputIo, readArgs } from './io.js';
import { placementInWords } from './placement.js';
import { destinationOf, rulesMesh } from './rules-mesh.js';
import { workersOf } from './workers.js';

const USAGE = `meltemi plan RULES... --to HOST:PORT [--workers N] [--json]

The compiled plans of a service: for each route and destination its stages, outermost first, each with the reason for
its place, and the policy in force.

  --to HOST:PORT    the service
  --workers N       as for the first of N processes that share the limits: what of each is its own
  --json            a JSON array, one object a plan

Exit code 0: printed. 1: the rules cannot be used, or nobody describes the service. 2: wrong usage.
`;

/** `meltemi plan`. */
export async function planCommand(args: readonly string[], { stdout, stderr }: OutputIo): Promise<number> {
  const { values, positionals } = readArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      to: { type: 'string' },
      workers: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    stdout.write(USAGE);
    return 0;
  }
  const destination = destinationOf(values.to);
  const workers = values.workers === undefined ? {} : { workers: { count: workersOf(values.workers), index: 0 } };
  const mesh = await rulesMesh(positionals, (line) => stderr.write(`${line}\n`), workers);
  const plans = mesh.plan(destination);
  await mesh.close();
  if (plans.length === 0) {
    stderr.write(`meltemi plan: no rule describes ${values.to}\n`);
    return 1;
  }
  stdout.write(values.json ? `${JSON.stringify(plans)}\n` : plans.map(inWords).join('\n'));
  return 0;
}

function inWords(plan: PlanDescription): string {
  const when = plan.match.length === 0 ? 'always' : plan.match.join(' and ');
  const lines = [
    `${plan.service} route ${plan.route || '(no name)'} to ${plan.cluster}, weight ${plan.weight}`,
    `  written at ${plan.origin}; matches ${when}`,
    `  placed ${placementInWords(plan.placement)}`,
  ];
  if (plan.problem !== undefined) lines.push(`  no plan: ${plan.problem}`);
  for (const { part, role, why } of plan.stages) lines.push(`  ${part.padEnd(8)}${role.padEnd(20)}${why}`);
  for (const name of plan.interceptors) lines.push(`  interceptor ${name}`);
  for (const share of plan.shares) lines.push(`  share ${share}`);
  for (const [name, value] of Object.entries(plan.policy)) lines.push(`  policy ${name} ${JSON.stringify(value)}`);
  return `${lines.join('\n')}\n`;
}
