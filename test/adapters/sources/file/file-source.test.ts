import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type FileSourceOptions, fileSource, RulesError } from '../../../../adapters/sources/file/index.js';
import type { RuleChange } from '../../../../src/rules/index.js';
import { Emissions, metaRouter, serviceEntry, temporaryFolder } from './support.js';

let folder: ReturnType<typeof temporaryFolder>;
let open: Emissions<readonly RuleChange[]>[] = [];
const at = (name: string) => join(folder.path, name);

/** Events alone find the change: the slow look is switched off. */
function follow(paths: string | string[], options: Partial<FileSourceOptions> = {}) {
  const emissions = new Emissions(fileSource({ paths, settleMs: 5, pollMs: 3_600_000, ...options }).watch());
  open.push(emissions);
  return emissions;
}

const brief = (batch: readonly RuleChange[]) =>
  batch.map((change) => {
    if (change.type === 'complete') return 'complete';
    if (change.type === 'problem') return `${change.severity} ${change.message.replace(folder.path, '')}`;
    if (change.type === 'state') return change.state;
    const key = change.type === 'remove' ? change.key : 'key' in change.rule ? change.rule.key : change.rule.name;
    return `${change.type} ${change.kind} ${key}`;
  });

const upserts = (host: string) => [
  `upsert cluster outbound|20880||${host}`,
  `upsert endpoints ${host}_20880`,
  `upsert service ${host}_20880`,
];

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => {
  for (const emissions of open) emissions.subscription.unsubscribe();
  open = [];
  folder.remove();
});

describe('the first batch', () => {
  test('holds every rule of the folder, its sub-folders and the files beside it, and ends with complete', async () => {
    mkdirSync(at('rules/deeper'), { recursive: true });
    writeFileSync(at('rules/b.yaml'), serviceEntry('b.demo'));
    writeFileSync(at('rules/deeper/c.yml'), serviceEntry('c.demo'));
    writeFileSync(at('rules/.hidden.yaml'), serviceEntry('hidden.demo'));
    writeFileSync(at('rules/notes.txt'), 'no rules');
    writeFileSync(at('a.rules'), serviceEntry('a.demo'));
    const batch = brief(await follow([at('a.rules'), at('rules')], { watch: false }).next());
    expect(batch.toSorted()).toEqual(
      [...upserts('a.demo'), ...upserts('b.demo'), ...upserts('c.demo'), 'complete'].toSorted(),
    );
    expect(batch.at(-1)).toBe('complete');
  });

  test('is the end when nothing is watched', async () => {
    writeFileSync(at('a.yaml'), '');
    const source = follow(at('a.yaml'), { watch: false });
    expect(brief(await source.next())).toEqual(['complete']);
    expect(await source.event()).toEqual({ done: true });
  });

  test('is frozen to its depths', async () => {
    writeFileSync(at('a.yaml'), serviceEntry('a.demo'));
    const batch = await follow(at('a.yaml'), { watch: false }).next();
    const routes = batch.flatMap((change) => ('rule' in change && 'routes' in change.rule ? change.rule.routes : []));
    expect(routes.map((route) => Object.isFrozen(route.destinations[0]))).toEqual([true]);
  });

  test('tells warnings before it completes', async () => {
    writeFileSync(at('a.yaml'), serviceEntry('a.demo', '  exportTo: ["."]'));
    const batch = brief(await follow(at('a.yaml'), { watch: false }).next());
    expect(batch.slice(-2)).toEqual([expect.stringContaining('warning /a.yaml:11:3: '), 'complete']);
  });

  test('of rules that cannot be used is an error that lists them all, and no rule', async () => {
    writeFileSync(at('a.yaml'), serviceEntry('a.demo', '  hots: 1'));
    writeFileSync(at('b.yaml'), 'a: [');
    const source = follow([at('a.yaml'), at('b.yaml'), at('missing.yaml')]);
    const { error } = await source.event();
    expect(error).toBeInstanceOf(RulesError);
    for (const name of ['a.yaml:11:3', 'b.yaml:1', 'missing.yaml']) expect(String(error)).toContain(at(name));
  });
});

describe('a change', () => {
  test('is one batch of what differs, removals included', async () => {
    writeFileSync(at('a.yaml'), serviceEntry('a.demo') + serviceEntry('b.demo'));
    const source = follow(at('a.yaml'));
    await source.next();
    writeFileSync(at('a.yaml'), serviceEntry('b.demo') + serviceEntry('c.demo'));
    expect(brief(await source.next())).toEqual([
      ...upserts('c.demo'),
      'remove cluster outbound|20880||a.demo',
      'remove endpoints a.demo_20880',
      'remove service a.demo_20880',
    ]);
  });

  test('of routes alone costs the service alone, also when lines move', async () => {
    writeFileSync(at('a.yaml'), serviceEntry('a.demo'));
    const source = follow(at('a.yaml'));
    await source.next();
    const router = metaRouter('a.demo', '  routes: [{ name: one, route: [{ destination: { host: a.demo } }] }]');
    writeFileSync(at('a.yaml'), `# a line more\n${serviceEntry('a.demo')}${router}`);
    expect(brief(await source.next())).toEqual(['upsert service a.demo_20880']);
  });

  test('is seen when an editor renames a new file over the old one', async () => {
    writeFileSync(at('a.yaml'), serviceEntry('a.demo'));
    const source = follow(at('a.yaml'));
    await source.next();
    for (const host of ['b.demo', 'c.demo']) {
      writeFileSync(at('a.yaml~'), serviceEntry(host));
      renameSync(at('a.yaml~'), at('a.yaml'));
      expect(brief(await source.next())).toEqual(expect.arrayContaining(upserts(host)));
    }
  });

  test("is seen when Kubernetes swaps a ConfigMap's ..data link", async () => {
    const publish = (revision: string, host: string) => {
      mkdirSync(at(revision));
      writeFileSync(at(`${revision}/rules.yaml`), serviceEntry(host));
      symlinkSync(revision, at('..data_tmp'));
      renameSync(at('..data_tmp'), at('..data'));
    };
    publish('..2026_1', 'a.demo');
    symlinkSync('..data/rules.yaml', at('rules.yaml'));
    const source = follow(folder.path);
    expect(brief(await source.next())).toEqual([...upserts('a.demo'), 'complete']);
    publish('..2026_2', 'b.demo');
    expect(brief(await source.next())).toEqual(expect.arrayContaining(upserts('b.demo')));
  });

  test('is seen in files and folders that are new', async () => {
    const source = follow(folder.path);
    expect(brief(await source.next())).toEqual(['complete']);
    mkdirSync(at('more'));
    writeFileSync(at('more/a.yaml'), serviceEntry('a.demo'));
    expect(brief(await source.next())).toEqual(upserts('a.demo'));
    writeFileSync(at('more/a.yaml'), serviceEntry('b.demo'));
    expect(brief(await source.next())).toEqual(expect.arrayContaining(upserts('b.demo')));
  });

  test('is seen by the slow look where there are no events', async () => {
    mkdirSync(at('1'));
    mkdirSync(at('2'));
    writeFileSync(at('1/a.yaml'), serviceEntry('a.demo'));
    writeFileSync(at('2/a.yaml'), serviceEntry('b.demo'));
    mkdirSync(at('links'));
    symlinkSync('../1', at('links/current'));
    // The link is swapped two levels above the folder that is watched.
    const source = follow(at('links/current/a.yaml'), { pollMs: 10 });
    await source.next();
    symlinkSync('../2', at('links/next'));
    renameSync(at('links/next'), at('links/current'));
    expect(brief(await source.next())).toEqual(expect.arrayContaining(upserts('b.demo')));
  });
});

describe('rules that turn bad', () => {
  test('leave the last good set in force and are told once, until they change', async () => {
    writeFileSync(at('a.yaml'), serviceEntry('a.demo'));
    writeFileSync(at('b.yaml'), serviceEntry('b.demo'));
    const source = follow(folder.path);
    await source.next();

    writeFileSync(at('b.yaml'), serviceEntry('b.demo', '  nonsense: 1'));
    expect(brief(await source.next())).toEqual([expect.stringContaining('error /b.yaml:11:3: ')]);
    // A good change elsewhere is not adopted while the set is bad, nor is the problem told again: the next batch is this.
    writeFileSync(at('a.yaml'), serviceEntry('c.demo'));
    writeFileSync(at('b.yaml'), 'x: ]');
    expect(brief(await source.next())).toEqual([expect.stringContaining('not valid YAML')]);

    writeFileSync(at('b.yaml'), serviceEntry('b.demo'));
    expect(brief(await source.next())).toEqual([
      ...upserts('c.demo'),
      'remove cluster outbound|20880||a.demo',
      'remove endpoints a.demo_20880',
      'remove service a.demo_20880',
    ]);
  });

  test('and good again without another rule take the problem back', async () => {
    writeFileSync(at('a.yaml'), serviceEntry('a.demo'));
    const source = follow(folder.path);
    await source.next();
    writeFileSync(at('a.yaml'), 'x: ]');
    expect(brief(await source.next())).toEqual([expect.stringContaining('not valid YAML')]);
    writeFileSync(at('a.yaml'), serviceEntry('a.demo'));
    expect(brief(await source.next())).toEqual(['complete']);
  });

  test('a file that is gone is a bad set, not an empty one', async () => {
    writeFileSync(at('a.yaml'), serviceEntry('a.demo'));
    const source = follow(at('a.yaml'));
    await source.next();
    rmSync(at('a.yaml'));
    expect(brief(await source.next())).toEqual([expect.stringContaining('cannot be read')]);
  });
});
