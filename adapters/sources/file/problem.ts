/** Something in the rules that a person should know. */
export interface Problem {
  /** An `error` keeps the whole set from being adopted, unless it is tolerated; a `warning` never does. */
  readonly severity: 'error' | 'warning';
  /**
   * An error that Kubernetes or Aeraki's admission refuses, though MetaRDS gives the object a meaning once it is in the
   * mesh. Lint fails on it; the rules are served with that meaning.
   */
  readonly tolerated?: true;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Such as `MetaRouter meta-dubbo/demo`; empty for a document that is no object. */
  readonly object: string;
  /** Such as `spec.routes[0].match`; empty for the whole object. */
  readonly field: string;
  /** What is wrong and what to do. */
  readonly message: string;
}

/** Does it keep the set from being adopted? */
export function blocks(problem: Problem): boolean {
  return problem.severity === 'error' && problem.tolerated !== true;
}

/** One line for people: `rules/a.yaml:12:7: error: MetaRouter default/a spec.hosts: must be a list`. */
export function describeProblem(problem: Problem): string {
  return inWords(problem, `${problem.severity}: `);
}

/** The same where the severity is told otherwise, as by a logger's level. */
export function describeUnlabelled(problem: Problem): string {
  return inWords(problem, '');
}

function inWords({ file, line, column, object, field, message }: Problem, label: string): string {
  const where = [object, field].filter((part) => part !== '').join(' ');
  return `${file}:${line}:${column}: ${label}${where === '' ? message : `${where}: ${message}`}`;
}

export type Path = readonly PropertyKey[];

/** `['spec', 'routes', 0, 'match']` → `spec.routes[0].match` */
export function fieldName(path: Path): string {
  let name = '';
  for (const part of path) {
    if (typeof part === 'number') name += `[${part}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(String(part))) name += name === '' ? String(part) : `.${String(part)}`;
    else name += `[${JSON.stringify(String(part))}]`;
  }
  return name;
}

/** How a check tells what it found; `path` is inside the object. */
export interface Report {
  error(path: Path, message: string): void;
  /** See {@link Problem.tolerated}. */
  tolerated(path: Path, message: string): void;
  warning(path: Path, message: string): void;
}

/** Where an object stands, and how positions inside it are found. */
export interface Place {
  readonly file: string;
  /** Position of the field, or of the nearest enclosing one that was written. */
  locate(path: Path): { readonly line: number; readonly column: number };
}

export function reportTo(problems: Problem[], place: Place, object: string): Report {
  const add = (path: Path, severity: Problem['severity'], message: string, tolerated: boolean) => {
    const { line, column } = place.locate(path);
    const problem = { severity, file: place.file, line, column, object, field: fieldName(path), message };
    problems.push(tolerated ? { ...problem, tolerated: true } : problem);
  };
  return {
    error: (path, message) => add(path, 'error', message, false),
    tolerated: (path, message) => add(path, 'error', message, true),
    warning: (path, message) => add(path, 'warning', message, false),
  };
}

/** Thrown or emitted when rules cannot be used at all; the message lists what stands in the way. */
export class RulesError extends Error {
  override readonly name = 'RulesError';

  constructor(readonly problems: readonly Problem[]) {
    const lines = problems.filter(blocks).map(describeUnlabelled);
    super(`the rules cannot be used:\n${lines.join('\n')}`);
  }
}

/** What an exception says, whatever was thrown. */
export function messageOf(error: unknown): string {
  const message = (error as { message?: unknown } | undefined)?.message;
  return typeof message === 'string' ? message : String(error);
}
