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

test('the hook sees what adapters bring, through CommonJS too', () => {
  const { packages } = importCost(folder.path, 'meltemi/dubbo');
  expect(packages).toEqual(expect.arrayContaining(['hessian.js', 'meltemi', 'rxjs']));
}, 30_000);
