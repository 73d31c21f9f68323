import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { lintCommand } from '../../../adapters/cli/lint.js';
import { routesCommand } from '../../../adapters/cli/routes.js';
import { metaRouter, serviceEntry, temporaryFolder } from '../sources/file/support.js';

const golden = (path: string) => fileURLToPath(new URL(`../../golden/metards/${path}`, import.meta.url));

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  folder.remove();
});

function file(text: string, name = 'a.yaml'): string {
  const path = join(folder.path, name);
  writeFileSync(path, text);
  return path;
}

async function run(command: typeof lintCommand, ...args: string[]) {
  const written = { stdout: '', stderr: '' };
  const into = (stream: 'stdout' | 'stderr') => ({
    write: (chunk: unknown) => {
      written[stream] += String(chunk);
      return true;
    },
  });
  const code = await command(args, { stdout: into('stdout'), stderr: into('stderr') });
  return { code, ...written };
}

const ROUTE = '  routes: [{ name: one, route: [{ destination: { host: a.demo } }] }]';

describe('routes', () => {
  test.each([[[]], [['--json']]])('prints the recorded answer with %j', async (options) => {
    const { code, stdout, stderr } = await run(routesCommand, ...options, golden('match-kinds/input.yaml'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(golden('match-kinds/routes.json'), 'utf8')));
  });

  test('prints what admission refuses, and tells it on stderr', async () => {
    const { code, stdout, stderr } = await run(routesCommand, golden('port-zero/input.yaml'));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toHaveLength(1);
    expect(stderr).toMatch(/input\.yaml:\d+:\d+: error: MetaRouter meta-thrift\/thrift-zero spec\.routes\[0\]/);
  });

  test('prints nothing of rules that cannot be used', async () => {
    const { code, stdout, stderr } = await run(routesCommand, file(serviceEntry('a.demo', '  wrong: 1')));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/a\.yaml:11:3: error: ServiceEntry demo\/a-demo spec\.wrong: unknown field/);
  });
});

describe('lint', () => {
  test('knows a slip of the pen in a port name from a private protocol', async () => {
    const named = (protocol: string) =>
      serviceEntry('a.demo').replaceAll('metaprotocol-dubbo', `metaprotocol-${protocol}`);
    const slip = await run(lintCommand, file(named('dubo')));
    expect(slip.stdout).toMatch(/a\.yaml:\d+:1: warning: ServiceEntry demo\/a-demo: .*did you mean dubbo\?/);
    expect(slip.code).toBe(0);
    expect((await run(lintCommand, file(named('mine')))).stdout).toContain('0 warnings');
  });

  test('ends well with nothing to say, and counts the other kinds', async () => {
    const rules = file(`${serviceEntry('a.demo')}${metaRouter('a.demo', ROUTE)}\n---\napiVersion: v1\nkind: Secret`);
    expect(await run(lintCommand, rules)).toEqual({
      code: 0,
      stdout: '0 errors, 0 warnings in 1 file; documents of other kinds: 1 Secret\n',
      stderr: '',
    });
  });

  test('ends well with warnings', async () => {
    const { code, stdout } = await run(lintCommand, file(metaRouter('a.demo', ROUTE)));
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /:7:3: warning: MetaRouter demo\/a-demo spec\.hosts: .*\n.*0 errors, [1-9]\d* warnings? in 1 file\n$/s,
    );
  });

  test('fails with errors, also those that are tolerated, and what cannot be read', async () => {
    expect((await run(lintCommand, golden('port-zero/input.yaml'))).code).toBe(1);
    const { code, stdout } = await run(lintCommand, file('a: ['), join(folder.path, 'missing.yaml'));
    expect(code).toBe(1);
    expect(stdout).toContain('missing.yaml:1:1: error: cannot be read: ENOENT');
    expect(stdout).toContain('2 errors, 0 warnings in 1 file');
  });

  test('as JSON, in the order of files and lines', async () => {
    const two = [
      file(metaRouter('b.demo', ROUTE), 'b.yaml'),
      file(serviceEntry('a.demo', '  wrong: 1\n  bad: 2'), 'a.yaml'),
    ];
    const { code, stdout } = await run(lintCommand, '--json', ...two);
    const { files, skipped, problems } = JSON.parse(stdout);
    expect({ code, files, skipped }).toEqual({ code: 1, files: two, skipped: {} });
    const places = problems.map((each: { file: string; line: number }) => `${each.file.slice(-6)}:${each.line}`);
    expect(places).toEqual(['a.yaml:11', 'a.yaml:12', 'b.yaml:7', ...places.slice(3)]);
  });
});

describe('both', () => {
  test.each([
    ['lint', lintCommand],
    ['routes', routesCommand],
  ])('%s explains itself, and wrong usage', async (name, command) => {
    const help = await run(command, '--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain(`meltemi ${name} RULES... [--json]`);
    expect(await run(command)).toEqual({
      code: 2,
      stdout: '',
      stderr: `meltemi ${name}: which rules? Name files or folders\n`,
    });
    expect(await run(command, '--wat')).toMatchObject({ code: 2, stdout: '' });
  });
});
