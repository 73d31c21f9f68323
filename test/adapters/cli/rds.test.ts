import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { rdsCommand } from '../../../adapters/cli/rds.js';
import type { RdsReport } from '../../../adapters/cli/rds-report.js';
import { metaRouter, serviceEntry, temporaryFolder } from '../sources/file/support.js';
import { clientTls, RouteClient, routesIn } from '../sources/metards/server/route-client.js';

const pem = (name: string) => fileURLToPath(new URL(`../../support/certificates/${name}`, import.meta.url));

let folder: ReturnType<typeof temporaryFolder>;
let running: ReturnType<typeof start> | undefined;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  running?.interrupt();
  await running?.code.catch(() => {});
  running = undefined;
  folder.remove();
});

/** As editors and `kubectl`'s mounts replace a file. */
function write(text: string): void {
  writeFileSync(join(folder.path, 'new'), text);
  renameSync(join(folder.path, 'new'), join(folder.path, 'rules.yaml'));
}

const rules = (route: string) =>
  `${serviceEntry('a.demo')}---\n${metaRouter('a.demo', `  routes: [{ name: ${route}, route: [{ destination: { host: a.demo } }] }]`)}`;

/** The command, its output line by line, and what interrupts it. */
function start(...args: string[]) {
  const lines: Record<'stdout' | 'stderr', string[]> = { stdout: [], stderr: [] };
  let wake = () => {};
  const into = (stream: 'stdout' | 'stderr') => ({
    write: (chunk: unknown) => {
      lines[stream].push(...String(chunk).trimEnd().split('\n'));
      wake();
      return true;
    },
  });
  let interrupt = () => {};
  const interrupted = new Promise<void>((resolve) => {
    interrupt = resolve;
  });
  const io = { stdout: into('stdout'), stderr: into('stderr') };
  const code = rdsCommand([folder.path, '--listen', '127.0.0.1:0', ...args], io, () => interrupted);
  const until = async (stream: 'stdout' | 'stderr', pattern: RegExp) => {
    for (;;) {
      const found = lines[stream].find((line) => pattern.test(line));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const port = async () => Number(/:(\d+)/.exec(await until('stdout', /MetaRDS at|"listening"/))?.[1]);
  return { code, lines, until, port, interrupt };
}

describe('meltemi rds', () => {
  test('serves a folder, pushes what changes, and keeps the last good', async () => {
    write(rules('one'));
    running = start();
    const { until, lines } = running;
    await until('stdout', /^version 1 to 0 streams: a\.demo_20880$/);
    const client = new RouteClient(await running.port());
    const stream = client.open();
    stream.send({ node: { id: 'me\n' } });
    const first = await stream.next();
    expect(routesIn(first)).toEqual([{ name: 'a.demo_20880', routes: ['one'] }]);
    stream.send({ responseNonce: first.nonce, versionInfo: first.versionInfo });
    await until('stdout', /accepts version 1/);

    write(rules('[two]'));
    await until('stderr', /rules\.yaml:\d+:\d+: .*spec\.routes\[0\]\.name: must be text/);
    write(rules('three'));
    expect(routesIn(await stream.next())).toEqual([{ name: 'a.demo_20880', routes: ['three'] }]);
    await until('stdout', /^version 2 to 1 stream: a\.demo_20880$/);
    write('');
    await until('stdout', /^version 3/);
    stream.close();
    await until('stdout', /is gone/);
    running.interrupt();
    expect(await running.code).toBe(0);
    expect(lines.stdout.slice(1)).toEqual([
      'version 1 to 0 streams: a.demo_20880',
      '"me\\n" subscribes to all names',
      '"me\\n" accepts version 1',
      'version 2 to 1 stream: a.demo_20880',
      'version 3 to 0 streams: no routes',
      '"me\\n" is gone',
    ]);
  });

  test('--json: an object a line, ready first', async () => {
    write(rules('one'));
    running = start('--json', '--debounce', '0');
    const port = JSON.parse(await running.until('stdout', /"listening"/)) as RdsReport;
    expect(port).toMatchObject({ ready: true, type: 'listening', host: '127.0.0.1', tls: false });
    expect(running.lines.stdout[0]).toMatch(/^\{"ready":true,/);
    const names = ['a.demo_20880'];
    expect(JSON.parse(await running.until('stdout', /"built"/))).toEqual({
      type: 'built',
      version: '1',
      names,
      changed: names,
      streams: 0,
    });
  });

  test('mutual TLS', async () => {
    write(rules('one'));
    running = start('--tls-cert', pem('server.pem'), '--tls-key', pem('server.key'), '--tls-ca', pem('root.pem'));
    await running.until('stdout', /^MetaRDS at 127\.0\.0\.1:\d+, mutual TLS$/);
    const client = new RouteClient(await running.port(), clientTls('client'));
    const stream = client.open();
    stream.send({ node: { id: 'me' } });
    expect(routesIn(await stream.next())).toHaveLength(1);
    stream.close();
  });

  test('--as-recorded: silence, then a version in seconds', async () => {
    write(rules('one'));
    running = start('--as-recorded', '--debounce', '20');
    const client = new RouteClient(await running.port());
    const stream = client.open();
    stream.send({ node: { id: 'me' } });
    expect((await stream.next()).versionInfo).toMatch(/^\d{10}$/);
    stream.close();
  });

  test('rules that cannot be used end it', async () => {
    write(rules('[one]'));
    await expect(start().code).rejects.toThrow(/the rules cannot be used:\n.*rules\.yaml/);
  });

  test.each([
    [['--listen', 'here'], /write HOST:PORT/],
    [['--listen', '127.0.0.1:65536'], /write HOST:PORT/],
    [['--debounce', 'soon'], /number of milliseconds/],
    [['--tls-cert', 'a.pem'], /all of --tls-cert, --tls-key and --tls-ca/],
  ])('wrong usage: %j', async (args, message) => {
    await expect(start(...args).code).rejects.toThrow(message);
  });

  test('beyond this machine only with TLS, or if that is wanted', async () => {
    write(rules('one'));
    await expect(start('--listen', '0.0.0.0:0').code).rejects.toThrow(/0\.0\.0\.0 can be reached from other machines/);
    running = start('--listen', '0.0.0.0:0', '--exposed');
    await running.until('stdout', /^version 1/);
  });
});
