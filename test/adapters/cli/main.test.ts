import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { HOST, metaRouter, RESILIENCE, services, split, toSubset } from '../../../examples/demo/rules.js';
import { meltemi } from '../../support/captured-io.js';

let folder: string;
const to = `${HOST}:20880`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'meltemi-cli-'));
  writeFileSync(join(folder, 'services.yaml'), `${services(1111, 2222)}---\n${RESILIENCE}`);
  const routes = `  routes:${toSubset('hello', 'v2', 'sayHello')}${split('rest', 20, 80)}\n`;
  writeFileSync(join(folder, 'router.yaml'), metaRouter(routes));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('meltemi', () => {
  test('without a command: usage, on stderr, and 2', async () => {
    const { code, out, err } = await meltemi();
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('explain');
  });

  test.each(['toString', 'frobnicate'])("'%s' is no command", async (name) => {
    const { code, err } = await meltemi(name);
    expect(code).toBe(2);
    expect(err).toContain(`there is no command '${name}'`);
  });

  test('a command that is nearly one is named', async () => {
    expect((await meltemi('explian')).err).toContain("did you mean 'explain'?");
    expect((await meltemi('frobnicate')).err).not.toContain('did you mean');
  });

  test.each(['--version', '-v'])("%s is the package's", async (option) => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8'));
    expect(await meltemi(option)).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  test.each(['lint', 'routes', 'plan', 'explain', 'status', 'sidecar', 'rds', 'decode'])(
    '%s --help tells what it takes',
    async (name) => {
      const { code, out } = await meltemi(name, '--help');
      expect(code).toBe(0);
      expect(out).toContain(`meltemi ${name} `);
      expect((await meltemi(name, '-h')).out).toBe(out);
    },
  );
});

describe('meltemi explain', () => {
  test('the route, and why the earlier ones did not match', async () => {
    const { code, out } = await meltemi(
      'explain',
      folder,
      '--to',
      to,
      '--attr',
      'method=echo',
      '--draw',
      '0.5',
      '--json',
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      service: to,
      protocol: 'dubbo',
      route: 'rest',
      matched: [],
      skipped: ['route 1 "hello": wants method = "sayHello", got "echo"'],
      destinations: [
        { cluster: `outbound|20880|v1|${HOST}`, percent: 20 },
        { cluster: `outbound|20880|v2|${HOST}`, percent: 80 },
      ],
      cluster: `outbound|20880|v2|${HOST}`,
      endpoints: [{ address: '127.0.0.1:2222', healthy: true }],
      policy: { timeoutMs: 3000, retry: { attempts: 3 } },
    });
  });

  test('in words', async () => {
    const { out } = await meltemi('explain', folder, '--to', to, '--attr', 'method=sayHello');
    expect(out).toContain('route:       hello, since method = "sayHello"');
    expect(out).toContain('endpoint:    127.0.0.1:2222 weight 1, usable');
  });

  test('a private protocol needs no codec to be explained', async () => {
    const own = mkdtempSync(join(tmpdir(), 'meltemi-cli-'));
    writeFileSync(join(own, 'a.yaml'), services(1, 2).replaceAll('metaprotocol-dubbo', 'metaprotocol-mine'));
    const { code, out } = await meltemi('explain', own, '--to', to);
    rmSync(own, { recursive: true });
    expect(code).toBe(0);
    expect(out).toContain(`service:     ${to} (mine)`);
  });

  test('a destination that nobody describes is refused, in words', async () => {
    const { code, out } = await meltemi('explain', folder, '--to', 'other:1', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out).refused).toContain('NO_SERVICE: no rule describes other:1');
    expect((await meltemi('explain', folder, '--to', 'other:1')).out).toMatch(
      /^to other:1\nconnections: direct, since no rule .*\nmesh\.call: +NO_SERVICE: no rule describes other:1: .*\n$/,
    );
  });

  test.each([
    [['--to', 'nowhere'], '--to wants HOST:PORT'],
    [['--to', to, '--attr', 'method'], '--attr wants KEY=VALUE'],
    [['--to', to, '--draw', '1'], '--draw wants a number'],
    [['--to', to, '--frob'], "Unknown option '--frob'"],
    [['--to', to, '--atr', 'a=b'], "Unknown option '--atr'; did you mean '--attr'?"],
  ])('%j is wrong usage: 2', async (args, why) => {
    const { code, out, err } = await meltemi('explain', folder, ...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(why);
  });

  test('rules that cannot be used: 1', async () => {
    const { code, err } = await meltemi('explain', join(folder, 'missing'), '--to', to);
    expect(code).toBe(1);
    expect(err).toContain('missing');
  });
});

describe('meltemi sidecar', () => {
  const NO_LISTENERS = 'it listens for no service: `listeners` of the configuration says for which';

  test('with neither rules nor listeners does not start: 1', async () => {
    const { code, out, err } = await meltemi('sidecar');
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^meltemi sidecar: there are no rules: .*MELTEMI_RULES.*\n$/);
    expect(err).toContain(NO_LISTENERS);
  });

  test('with half of it says what is missing', async () => {
    const file = join(folder, 'half.yaml');
    const ends = 'listeners: { health: { host: 192.0.2.1';
    writeFileSync(file, `rules: [services.yaml]\n${ends} } }`);
    expect((await meltemi('sidecar', '--config', file)).err).toMatch(new RegExp(`^${NO_LISTENERS}\nmeltemi sidecar: `));
    writeFileSync(file, `${ends} }, outbound: { vip: true } }`);
    expect((await meltemi('sidecar', '--config', file)).err).toMatch(/^there are no rules: .*\nmeltemi sidecar: /);
    rmSync(file);
  });
});

describe('meltemi plan', () => {
  test('each route and destination with its stages, in order, and why they stand there', async () => {
    const { code, out } = await meltemi('plan', folder, '--to', to, '--json');
    expect(code).toBe(0);
    const plans = JSON.parse(out) as { cluster: string; stages: { role: string; why: string }[] }[];
    expect(plans.map((it) => it.cluster.split('|')[2])).toEqual(['v2', 'v1', 'v2']);
    expect(plans[1]!.stages.map((it) => it.role)).toEqual([
      ...['telemetry', 'match', 'deadline', 'circuit-breaker', 'balance', 'outlier', 'attempt-telemetry'],
      'dispatch',
    ]);
    // The policy of subset v1 says: no retries, and a circuit breaker.
    expect(plans[2]!.stages.map((it) => it.role)).toContain('retry');
    for (const { why } of plans[1]!.stages) expect(why.length).toBeGreaterThan(10);
  });

  test('in words', async () => {
    const { out } = await meltemi('plan', folder, '--to', to);
    expect(out).toContain(`route hello to outbound|20880|v2|${HOST}, weight 100\n`);
    expect(out).toContain('attempt circuit-breaker     each attempt asks');
  });

  test('--workers: what each of several processes has of the limits', async () => {
    const own = mkdtempSync(join(tmpdir(), 'meltemi-plan-'));
    const limit = `apiVersion: meltemi.dev/v1alpha1
kind: TrafficPolicy
metadata: { name: limit, namespace: meta-dubbo }
spec: { targetRefs: [{ host: ${HOST} }], concurrency: { maxRequests: 9 } }
`;
    writeFileSync(join(own, 'a.yaml'), `${services(1, 2)}---\n${limit}`);
    const { out } = await meltemi('plan', own, '--to', to, '--workers', '2');
    const whole = await meltemi('plan', own, '--to', to);
    rmSync(own, { recursive: true });
    expect(out).toContain('  share maxRequests 5 of 9: one of 2 workers\n');
    expect(whole.out).not.toContain('share');
    expect((await meltemi('plan', folder, '--to', to, '--workers', 'two')).code).toBe(2);
  });

  test('a service that nobody describes: 1', async () => {
    const { code, err } = await meltemi('plan', folder, '--to', 'other:1');
    expect([code, err]).toEqual([1, 'meltemi plan: no rule describes other:1\n']);
  });
});
