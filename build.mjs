/**
 * The JavaScript of `npm run build`; the declarations are tsc's. What package.json publishes is bundled: to find, read and link
 * 150 small modules costs a process more than to import rxjs. Code that several entries use is in chunks that they share, so
 * that a class is there once whoever imports it; what is imported lazily stays a file of its own; packages of npm are not
 * bundled, but for zod; nothing is minified, and source maps carry the sources.
 *
 *     node build.mjs           everything, under dist/
 *     node build.mjs FOLDER    what is published, under FOLDER
 */
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = import.meta.dirname;
const [folder] = process.argv.slice(2);

const common = {
  absWorkingDir: root,
  outbase: '.',
  outdir: folder ?? 'dist',
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  logLevel: 'warning',
};
const bundled = {
  ...common,
  bundle: true,
  splitting: true,
  packages: 'external',
  plugins: [rxjsByModule(), withZod()],
};

const builds = [build({ ...bundled, entryPoints: published(), chunkNames: 'shared/[name]-[hash]', sourcemap: true })];
if (folder === undefined) {
  // What this repository runs itself. The bench reaches below the entries, so it has bundles of its own, built alike.
  const simulations = ['bench/sim/balancers.ts', 'bench/sim/costs.ts'];
  const programs = [
    'bench/main.ts',
    'bench/kit/processes.ts',
    'bench/peer/main.ts',
    'bench/peer/programs/*.ts',
    ...simulations,
    'adapters/**/generate-*.ts',
  ];
  builds.push(build({ ...bundled, entryPoints: programs, chunkNames: 'bench/shared/[name]-[hash]' }));
  // Users of the package as any other: not bundled, so that they import the entries.
  builds.push(build({ ...common, entryPoints: ['examples/**/*.ts'] }));
}
const results = await Promise.all(builds);
copyFileSync(join(root, 'node_modules/zod/LICENSE'), join(resolve(root, common.outdir), 'shared/zod.LICENSE'));
if (results.some((it) => it.warnings.length > 0)) process.exitCode = 1;

/**
 * Imports from rxjs, as imports of its modules that define what is imported: all of rxjs is 200 modules of CommonJS, which
 * cost each process 80 ms, and we use a dozen. rxjs exports its modules by path, and its index is made of the same
 * ones, so that a class is the same to who imports it from there.
 */
function rxjsByModule() {
  const index = readFileSync(join(root, 'node_modules/rxjs/dist/esm/index.js'), 'utf8');
  const paths = new Map();
  for (const [, names, path] of index.matchAll(/^export \{ (.+) \} from '\.\/(internal\/.+)';$/gm)) {
    for (const name of names.split(', ')) paths.set(name, path);
  }
  const imports = (names) =>
    names
      .split(',')
      .map((it) => it.trim())
      .filter((it) => it !== '' && !it.startsWith('type '))
      .map((it) => `import { ${it} } from 'rxjs/${paths.get(it.split(' as ')[0])}';`)
      .join(' ');
  return {
    name: 'rxjs-by-module',
    setup({ onLoad }) {
      onLoad({ filter: /\/(src|adapters|bench)\/.*\.ts$/ }, ({ path }) => ({
        contents: readFileSync(path, 'utf8').replace(/import \{([^}]+)\} from 'rxjs';/g, (_, names) => imports(names)),
        loader: 'ts',
      }));
    },
  };
}

/**
 * zod is bundled, as the one package of npm: of its 80 modules, 50 of them languages, we use what a chunk of 180 KB has, and
 * a process that starts a mesh has 60 ms more.
 */
function withZod() {
  return {
    name: 'with-zod',
    setup({ onResolve }) {
      onResolve({ filter: /^zod$/ }, () => ({ path: join(root, 'node_modules/zod/index.js'), sideEffects: false }));
    },
  };
}

/** Each module of `exports` and `bin`, from the source of the same path. */
function published() {
  const { bin, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const modules = [...Object.values(exports).map((it) => it.default), ...Object.values(bin)];
  const entries = modules.flatMap((it) => /^\.\/dist\/(.+)\.js$/.exec(it)?.[1] ?? []);
  return [...entries.map((path) => ({ in: `${path}.ts`, out: path })), ...workers()];
}

/** Entries of worker threads lie beside the chunks: the module that starts one is in a chunk, as both import it. */
function workers() {
  const files = readdirSync(join(root, 'adapters'), { recursive: true }).filter((it) => it.endsWith('-worker.ts'));
  return files.map((file) => ({ in: join('adapters', file), out: `shared/${basename(file, '.ts')}` }));
}
