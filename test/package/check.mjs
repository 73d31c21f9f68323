/**
 * The package as its users get it: packed, checked by publint and attw, installed into an empty folder, imported entry by
 * entry, type-checked by a strict consumer, and README.md's programs run there against providers from this repository.
 * Ends with `N passed, N failed`. Needs npm, and its registry or cache.
 *
 *     node test/package/check.mjs
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readBlocks, readme, runSession, writeFiles } from '../docs/readme-programs.mjs';
import { freePort } from '../support/free-ports.mjs';
import { importCost } from './import-cost.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const scratch = mkdtempSync(join(tmpdir(), 'meltemi-package-'));
const consumer = join(scratch, 'consumer');
const modules = [...Object.values(manifest.exports).map((it) => it.default), ...Object.values(manifest.bin)];
const published = new Set(modules.flatMap((it) => it?.replace(/^\.\//, '') ?? []));
let passed = 0;
let failed = 0;

async function check(name, run) {
  try {
    const said = await run();
    passed++;
    console.log(`ok    ${name}${said === undefined ? '' : `: ${said}`}`);
  } catch (error) {
    failed++;
    const output = [error.message, error.stdout, error.stderr].filter(Boolean).join('\n');
    console.log(`FAIL  ${name}\n${output.replace(/^/gm, '      ')}`);
  }
}

const run = (cwd, command, ...args) => execFileSync(command, args, { cwd, encoding: 'utf8', stdio: 'pipe' });
const npm = (cwd, ...args) => run(cwd, 'npm', ...args, '--no-audit', '--no-fund', '--prefer-offline');

let tarball;
let packedFiles = [];

await check('npm pack', () => {
  const told = run(root, 'npm', 'pack', '--json', '--silent', '--pack-destination', scratch);
  const [{ filename, size, unpackedSize, files }] = JSON.parse(told.slice(told.indexOf('[')));
  tarball = join(scratch, filename);
  packedFiles = files.map((it) => it.path);
  return `${filename}, ${files.length} files, ${kilobytes(size)} packed, ${kilobytes(unpackedSize)} unpacked`;
});

await check('it holds what belongs to it', () => {
  const strays = packedFiles.filter((path) => !belongs(path));
  if (strays.length > 0) throw new Error(`stray files:\n${strays.join('\n')}`);
  if (!packedFiles.includes('dist/shared/zod.LICENSE'))
    throw new Error('the licence of zod, which is bundled, is missing');
  const wanted = ['README.md', 'LICENSE', 'CHANGELOG.md', 'package.json'];
  const missing = wanted.filter((path) => !packedFiles.includes(path));
  if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`);
});

await check('tools', () => {
  if (!existsSync(join(here, 'node_modules'))) npm(here, 'ci');
});
const tool = (name, ...args) => run(here, join(here, 'node_modules/.bin', name), ...args);
await check('publint', () => void tool('publint', tarball, '--strict'));
await check('attw', () => void tool('attw', tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color'));

await check('install into an empty folder', async () => {
  execFileSync('mkdir', [consumer]);
  writeFileSync(join(consumer, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  const peers = Object.entries(manifest.peerDependencies).map(([name, range]) => `${name}@${range}`);
  npm(consumer, 'install', tarball, `dubbo2.js@${manifest.devDependencies['dubbo2.js']}`, ...peers);
});

const entries = Object.keys(manifest.exports)
  .filter((it) => !it.includes('*') && it !== './package.json')
  .map((it) => `meltemi${it.slice(1)}`);

for (const entry of entries) {
  await check(`import '${entry}'`, () => {
    const { packages, modules } = importCost(consumer, entry);
    const others = packages.filter((it) => it !== 'meltemi');
    if (entry === 'meltemi' && others.join() !== 'rxjs') throw new Error(`it loads ${others.join(', ')}`);
    return `${modules} modules${others.length > 0 ? `, with ${others.join(', ')}` : ''}`;
  });
}

await check('its types, in a strict project that checks libraries too', () => {
  const names = entries.map((entry, at) => `import * as it${at} from '${entry}';\nvoid it${at};\n`);
  writeFileSync(join(consumer, 'consumer.ts'), names.join(''));
  const tsc = join(root, 'node_modules/.bin/tsc');
  const typeRoots = join(root, 'node_modules/@types');
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--skipLibCheck', 'false'];
  const target = ['--module', 'nodenext', '--target', 'es2022', '--lib', 'es2023,esnext.disposable'];
  run(consumer, tsc, 'consumer.ts', '--noEmit', ...strict, ...target, '--types', 'node', '--typeRoots', typeRoots);
});

await check('README.md, all its programs', async () => {
  const provider = join(root, 'examples/demo/peers/provider.mjs');
  const [v1, v2, free] = await Promise.all([startProvider(provider, 'v1'), startProvider(provider, 'v2'), freePort()]);
  const ports = (text) => text.replaceAll('20881', v1.port).replaceAll('20882', v2.port).replaceAll('20880', free);
  try {
    const { files, sessions } = readBlocks(await readme());
    await writeFiles(consumer, files, ports);
    for (const session of sessions) {
      for (const { command, expected, printed, matches } of await runSession(consumer, session, ports)) {
        if (matches) continue;
        throw new Error(`$ ${command}\nprinted\n${printed.join('\n')}\ninstead of\n${expected.join('\n')}`);
      }
    }
    return `${sessions.flat().length} commands`;
  } finally {
    await Promise.all([v1.stop(), v2.stop()]);
  }
});

rmSync(scratch, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Bundles of entries and what they share, declarations whose source is still there, pages, schemas, and what is named. */
function belongs(path) {
  if (['README.md', 'LICENSE', 'package.json', ...manifest.files].includes(path) || /^docs\/.+\.md$/.test(path))
    return true;
  if (/^schemas\/[\w-]+\.json$/.test(path) || /^dist\/shared\/([\w-]+\.js(\.map)?|zod\.LICENSE)$/.test(path))
    return true;
  const declared = /^dist\/((?:src|adapters)\/.+)\.d\.ts$/.exec(path);
  if (declared !== null) return existsSync(join(root, `${declared[1]}.ts`)) && statSync(join(root, path)).size > 0;
  return published.has(path.replace(/\.map$/, ''));
}

function kilobytes(bytes) {
  return `${Math.round(bytes / 1000)} kB`;
}

async function startProvider(file, name) {
  const child = spawn(process.execPath, [file, '--name', name], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface(child.stdout), 'line');
  const ended = once(child, 'close');
  const stop = () => {
    child.stdin.end();
    return ended;
  };
  return { port: String(JSON.parse(line).port), stop };
}
