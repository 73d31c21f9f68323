import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type PackageFolder, packageFolder } from '../support/package-folder.js';
import { importCost } from './import-cost.mjs';

let folder: PackageFolder;

beforeAll(async () => {
  folder = await packageFolder();
}, 30_000);

afterAll(() => folder.remove());

test.each(['meltemi', 'meltemi/spi', 'meltemi/operators'])(
  '%s loads rxjs and nothing else from npm, and leaves nothing running',
  (entry) => {
    const { packages, modules } = importCost(folder.path, entry);
    expect(packages).toEqual(['meltemi', 'rxjs']);
    expect(modules).toBeGreaterThan(20); // the hook has seen something
  },
  30_000,
);

test('meltemi/node brings gRPC and protobuf only where a configuration asks for them, and says what to install', () => {
  expect(importCost(folder.path, 'meltemi/node').packages).not.toEqual(expect.arrayContaining(['@grpc/grpc-js']));
  // As if the optional peers were not installed.
  const hide = `export const resolve = (specifier, context, next) =>
    next(/^@(grpc|bufbuild)\\//.test(specifier) ? \`not-installed-\${specifier.slice(1)}\` : specifier, context);`;
  const script = `import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hide)}));
    const { startMesh } = await import('meltemi/node');
    await (await startMesh({ protocols: [] })).close();
    await startMesh({ protocols: [], metards: { address: 'aeraki:15010' } }).catch((error) => console.log(error.message));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder.path,
    encoding: 'utf8',
  });
  expect(stdout).toMatch(
    /^metards needs packages that are not installed; npm install @grpc\/grpc-js @bufbuild\/protobuf \(/,
  );
}, 30_000);

test('the hook sees what adapters bring, through CommonJS too', () => {
  const { packages } = importCost(folder.path, 'meltemi/dubbo');
  expect(packages).toEqual(expect.arrayContaining(['hessian.js', 'meltemi', 'rxjs']));
}, 30_000);
