import { validateRules } from '../../src/routing/index.js';
import type { Provenance } from '../../src/rules/index.js';
import { re2 } from '../engines/re2.js';
import { nearest } from '../node/nearest.js';
import { PROTOCOLS } from '../node/protocols.js';
import { describeProblem, type LoadedRules, loadRules, type Problem } from '../sources/file/index.js';
import type { OutputIo } from './io.js';
import { rulesArgs } from './rules-args.js';

const HELP = `meltemi lint RULES... [--json]

Checks rules: everything wrong at once, each with file, line, column and field.
RULES are YAML files, and folders that are walked for .yaml, .yml and .json.

  --json   one object: files, skipped kinds, problems

An error keeps rules from being used, or is one that Kubernetes or Aeraki refuses at admission. A warning is about rules
that are used, though perhaps not as meant.

Exit codes: 0, also with warnings, 1 with errors, 2 for wrong usage.
`;

/**
 * `meltemi lint`: findings on stdout, by file and line.
 * @returns the exit code
 */
export async function lintCommand(args: readonly string[], io: OutputIo): Promise<number> {
  const parsed = rulesArgs('lint', HELP, args, io);
  if (typeof parsed === 'number') return parsed;
  const rules = await loadRules(parsed.paths);
  const problems = sorted([...rules.problems, ...compiled(rules), ...misspelt(rules)]);
  if (parsed.json) {
    io.stdout.write(
      `${JSON.stringify({ files: rules.files, skipped: Object.fromEntries(rules.skipped), problems })}\n`,
    );
  } else {
    for (const problem of problems) io.stdout.write(`${describeProblem(problem)}\n`);
    io.stdout.write(`${summary(rules, problems)}\n`);
  }
  return problems.some((problem) => problem.severity === 'error') ? 1 : 0;
}

/** What the mesh itself would find when it compiles the rules, all engines present. */
function compiled(rules: LoadedRules): readonly Problem[] {
  const engines = { regex: re2, hash: { hash: () => 0n }, breaker: true, pacing: true };
  return validateRules([...rules.services, ...rules.clusters, ...rules.endpoints], engines).map(
    ({ from, problem }) => ({
      severity: 'error',
      ...placeOf(from),
      message: problem,
    }),
  );
}

/** A protocol that is none of ours may be a private one; one letter off, it is a slip of the pen. */
function misspelt({ services }: LoadedRules): readonly Problem[] {
  return services.flatMap(({ portName, protocol, from }) => {
    if (protocol === undefined || PROTOCOLS.has(protocol)) return [];
    const meant = nearest(protocol, PROTOCOLS.keys());
    if (meant === undefined) return [];
    const message = `the port name ${portName} says protocol ${protocol}; did you mean ${meant}?`;
    return [{ severity: 'warning' as const, ...placeOf(from), message }];
  });
}

function placeOf({ origin }: Provenance) {
  const [, file = origin, line = '1', object = ''] = /^(.*):(\d+) (.*)$/.exec(origin) ?? [];
  return { file, line: Number(line), column: 1, object, field: '' };
}

function sorted(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted(
    (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column,
  );
}

function summary({ files, skipped }: LoadedRules, problems: readonly Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const kinds = [...skipped].map(([kind, number]) => `${number} ${kind}`).join(', ');
  const found = `${count(errors, 'error')}, ${count(problems.length - errors, 'warning')} in ${count(files.length, 'file')}`;
  return kinds === '' ? found : `${found}; documents of other kinds: ${kinds}`;
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
