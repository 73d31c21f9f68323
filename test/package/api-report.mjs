/**
 * `npm run api`: writes docs/api.md, every exported name of every entry with its signature, from the declarations that
 * `npm run build` emits. `--check` writes nothing and exits 1 if the page is not what it would write: a change of the
 * public face is to be seen in review.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = join(root, 'docs/api.md');
const { exports: entries } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const typed = Object.entries(entries).filter(([, entry]) => entry.types !== undefined);

const program = ts.createProgram(
  typed.map(([, { types }]) => join(root, types)),
  { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, types: ['node'] },
);
const checker = program.getTypeChecker();
const printer = ts.createPrinter({ removeComments: true });
/** Where each was shown first; later entries only point there. */
const shown = new Map();

const text = [
  '# API',
  '',
  'Every exported name with its signature, made by `npm run api`; `npm run docs` has what each means. A name that several entries',
  'export is shown at the first.',
  '',
  ...typed.flatMap(([path, { types }]) => section(`meltemi${path.slice(1)}`, join(root, types))),
].join('\n');

if (!process.argv.includes('--check')) writeFileSync(page, text);
else if (readFileSync(page, 'utf8') !== text) {
  console.error('docs/api.md is not what the code exports: run `npm run api`, look at the difference, commit it');
  process.exitCode = 1;
}

function section(name, file) {
  const symbol = checker.getSymbolAtLocation(program.getSourceFile(file));
  const names = checker.getExportsOfModule(symbol).sort((a, b) => (a.name < b.name ? -1 : 1));
  const own = names.filter((it) => !shown.has(target(it)));
  const elsewhere = names.filter((it) => shown.has(target(it)));
  for (const it of own) shown.set(target(it), name);
  const from = new Map();
  for (const it of elsewhere) from.set(shown.get(target(it)), [...(from.get(shown.get(target(it))) ?? []), it.name]);
  return [
    `## ${name}`,
    '',
    ...[...from].flatMap(([where, them]) => [`As \`${where}\`: ${them.map((it) => `\`${it}\``).join(', ')}.`, '']),
    ...(own.length === 0 ? [] : ['```ts', ...own.flatMap((it) => [...signatures(it), '']).slice(0, -1), '```', '']),
  ];
}

function target(symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

function signatures(exported) {
  return target(exported).declarations.map((declaration) => {
    const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
    const file = statement.getSourceFile();
    const { transformed } = ts.transform(statement, [withoutPrivateParts]);
    return printer
      .printNode(ts.EmitHint.Unspecified, transformed[0], file)
      .replace(/^( {4})+/gm, (indent) => ' '.repeat(indent.length / 2))
      .replace(/^export (?:declare )?/, '')
      .replace(/^declare /, '')
      .replace(/\b(class|interface|type|const|function) \w+/, `$1 ${exported.name}`);
  });
}

/** Leaves out private members, and those that are `@internal`. */
function withoutPrivateParts(context) {
  const visit = (node) => {
    if (ts.isClassElement(node) && hidden(node)) return undefined;
    return ts.visitEachChild(node, visit, context);
  };
  return (node) => ts.visitNode(node, visit);
}

function hidden(member) {
  if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) return true;
  if (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) return true;
  return ts.getJSDocTags(member).some((tag) => tag.tagName.text === 'internal');
}
