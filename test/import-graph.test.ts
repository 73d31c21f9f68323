import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, test } from '@jest/globals';

/**
 * Who may import whom, low to high. An import never points up; rooms of one line may know each other's contracts only
 * where `ASIDE` says so.
 */
const LAYERS: readonly (readonly string[])[] = [
  ['runtime'],
  ['message'],
  ['call', 'rules'],
  ['routing', 'cluster', 'policy', 'telemetry'],
  ['pipeline', 'connection'],
  ['mesh'],
  ['testing', '.'],
];

/** Imports within a line that are wanted: from, to, why. */
const ASIDE: readonly (readonly [from: string, to: string, why: string])[] = [
  ['cluster', 'policy', "balance and outlier fill slots, so they know the stages' contract"],
  ['telemetry', 'policy', "attempt telemetry fills a slot, so it knows the stages' contract"],
  ['policy', 'routing', 'conditions of rate limits are matched as routes are'],
  ['.', 'testing', 'nothing'],
];

const root = resolve(import.meta.dirname ?? '.', '..');

interface Import {
  readonly from: string;
  readonly to: string;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));
}

function imports(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const specifiers = [...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^;]*?from\s+'([^']+)'|import\('([^']+)'\)/g)];
  return specifiers.map((match) => {
    const specifier = (match[1] ?? match[2])!;
    if (!specifier.startsWith('.')) return { from: file, to: specifier };
    return { from: file, to: relative(root, resolve(root, dirname(file), specifier)) };
  });
}

function room(path: string): string {
  const parts = path.split(sep);
  return parts.length > 2 ? parts[1]! : '.';
}

const graph = [...sources('src'), ...sources('adapters')].flatMap(imports);

describe('the import graph', () => {
  test('is not empty', () => {
    expect(graph.length).toBeGreaterThan(50);
  });

  test('src imports rxjs, Node and itself, nothing else', () => {
    const foreign = graph
      .filter((it) => it.from.startsWith('src') && !it.to.startsWith('src'))
      .filter((it) => it.to !== 'rxjs' && !it.to.startsWith('node:'));
    expect(foreign).toEqual([]);
  });

  test('no line of src names a protocol that has a folder of its own', () => {
    const names = readdirSync(join(root, 'adapters/protocols')).join('|');
    const named = sources('src').flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, at) =>
          new RegExp(`\\b(${names})`, 'i').test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [],
        ),
    );
    expect(named).toEqual([]);
  });

  test('in src an import never points up', () => {
    const height = (name: string) => LAYERS.findIndex((line) => line.includes(name));
    const inside = graph.filter((it) => it.from.startsWith('src') && it.to.startsWith('src'));
    expect(inside.map((it) => room(it.from)).filter((it) => height(it) < 0)).toEqual([]);
    const wrong = inside.filter(({ from, to }) => {
      const [a, b] = [room(from), room(to)];
      if (a === b) return false;
      if (height(a) === height(b)) return !ASIDE.some(([x, y]) => x === a && y === b);
      return height(b) > height(a);
    });
    expect(wrong).toEqual([]);
  });

  test('no policy imports another policy', () => {
    const folder = (path: string) => path.split(sep).slice(0, 3).join('/');
    const wrong = graph.filter(
      ({ from, to }) =>
        from.startsWith('src/policy/') &&
        to.startsWith('src/policy/') &&
        from.split(sep).length > 3 &&
        to.split(sep).length > 3 &&
        folder(from) !== folder(to),
    );
    expect(wrong).toEqual([]);
  });

  test('adapters never import each other, but for node, which joins them, and the command line', () => {
    const unit = (path: string) => {
      const parts = path.split(sep);
      return ['protocols', 'sources', 'engines'].includes(parts[1]!) ? parts.slice(1, 3).join('/') : parts[1]!;
    };
    const bare = (path: string) => path.replace(/\.[jt]s$/, '');
    const wrong = graph.filter(
      ({ from, to }) =>
        from.startsWith('adapters') &&
        to.startsWith('adapters') &&
        bare(unit(from)) !== bare(unit(to)) &&
        !['node', 'cli'].includes(unit(from)) &&
        unit(to) !== 'node',
    );
    expect(wrong).toEqual([]);
  });

  test('every folder says in its index what lives there', () => {
    const rooms = LAYERS.flat().filter((it) => it !== '.');
    for (const name of rooms) {
      const index = readFileSync(join(root, 'src', name, 'index.ts'), 'utf8');
      expect(index.startsWith('/**')).toBe(true);
    }
  });
});
