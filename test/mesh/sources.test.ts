import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Subject } from 'rxjs';
import { fileSource } from '../../adapters/sources/file/index.js';
import { createMesh } from '../../src/index.js';
import type { RuleChange } from '../../src/rules/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { serviceEntry, temporaryFolder } from '../adapters/sources/file/support.js';
import { service, upsert } from '../rules/rules.js';
import { frames } from './support.js';

/** A mesh with one source, and what it tells of it. */
function told(watch = new Subject<readonly RuleChange[]>()) {
  const lines: string[] = [];
  const at = (level: string) => (line: string) => void lines.push(`${level} ${line}`);
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const runtime = new ManualRuntime();
  const source = { name: 'plane', precedence: 200, watch: () => watch };
  const mesh = createMesh({ sources: [source], protocols: [frames], logger, runtime });
  return { mesh, watch, lines, runtime };
}

test('each transition of a source is an event, a line in the log and in the status', async () => {
  const seen: unknown[] = [];
  const listener = (event: unknown) => seen.push(event);
  subscribe('meltemi:source:change', listener);
  const { mesh, watch, lines, runtime } = told();
  watch.next([{ type: 'state', state: 'connecting', error: 'refused by 127.0.0.1' }]);
  watch.next([upsert.service(service('a')), { type: 'complete' }, { type: 'state', state: 'live', version: '7' }]);
  runtime.advance(1000);
  watch.next([{ type: 'state', state: 'stale', error: 'the stream ended' }]);
  watch.next([{ type: 'state', state: 'stale', error: 'refused again' }]);
  unsubscribe('meltemi:source:change', listener);
  expect(seen).toEqual([
    { source: 'plane', state: 'live', before: 'connecting', version: '7', error: undefined },
    { source: 'plane', state: 'stale', before: 'live', version: '7', error: 'the stream ended' },
  ]);
  expect(lines).toEqual([
    'warn source plane is connecting: refused by 127.0.0.1',
    'info source plane is live',
    'warn source plane is stale: the stream ended',
    'warn source plane is stale: refused again',
  ]);
  const { at, sources } = mesh.status;
  expect(sources).toEqual([
    {
      name: 'plane',
      precedence: 200,
      state: 'stale',
      since: at,
      synced: true,
      version: '7',
      changedAt: at - 1000,
      lastError: { message: 'refused again', at },
      problems: [],
      rules: { service: 1, routes: 0, cluster: 0, endpoints: 0 },
      updates: 1,
      rejected: 0,
    },
  ]);
  const metric = (name: string) => mesh.metrics().find((it) => it.name === name)?.samples;
  expect(metric('control_plane_connected_state')).toEqual([{ labels: { source: 'plane' }, value: 0 }]);
  expect(metric('update_success')).toEqual([{ labels: { source: 'plane' }, value: 1 }]);
  await mesh.close();
});

test('a problem is told at its level, once, and an error as an event too', async () => {
  const seen: unknown[] = [];
  const listener = (event: unknown) => seen.push(event);
  subscribe('meltemi:rules:problem', listener);
  const { mesh, watch, lines } = told();
  const bad = { type: 'problem', message: 'a field is unknown', severity: 'error' } as const;
  watch.next([bad, { type: 'problem', message: 'a field does nothing' }]);
  watch.next([bad, { type: 'state', state: 'stale' }]);
  unsubscribe('meltemi:rules:problem', listener);
  expect(lines).toEqual([
    'error source plane: a field is unknown',
    'warn source plane: a field does nothing',
    'warn source plane is stale',
  ]);
  expect(seen).toEqual([{ source: 'plane', message: 'a field is unknown' }]);
  await mesh.close();
});

test('bad files at the start are told once in the log, line by line, and by ready', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder.path, 'a.yaml'), serviceEntry('a.demo', '  hots: 1\n  exportTo: ["."]'));
  writeFileSync(join(folder.path, 'b.yaml'), 'a: [');
  const lines: string[] = [];
  const at = (level: string) => (line: string) => void lines.push(`${level} ${line.replaceAll(folder.path, '')}`);
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const mesh = createMesh({ sources: [fileSource({ paths: folder.path })], protocols: [frames], logger });
  await expect(mesh.ready()).rejects.toThrow('source file failed: the rules cannot be used:\n');
  expect(lines).toEqual([
    expect.stringMatching(/^warn source file: \/a\.yaml:12:3: ServiceEntry demo\/a-demo spec\.exportTo: /),
    'error source file failed: the rules cannot be used:',
    expect.stringMatching(/^error source file \/a\.yaml:11:3: ServiceEntry demo\/a-demo spec\.hots: unknown field/),
    expect.stringMatching(/^error source file \/b\.yaml:1:5: not valid YAML/),
  ]);
  await mesh.close();
  folder.remove();
});
