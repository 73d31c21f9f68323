import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { lastGoodFiles } from '../../../src/rules/last-good/index.js';
import { close, count, QUIET, quiet, sizes, turn } from '../scene.js';
import { DEMO, demoService, frames, message, payloadOf } from '../support.js';
import { PORTS, placedWorld, SIDECAR_PORT } from './world.js';

const WAIT = 10_000;
const mtls = (mode: string) => `
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: all, namespace: test }
spec: { mtls: { mode: ${mode} } }
`;
/** One endpoint has a proxy, the other has none. */
const halfMtls = demoService.replace('{ version: v1 } }', '{ version: v1, security.istio.io/tlsMode: istio } }');
const described = demoService.replace('hosts: [demo.test]', 'hosts: [demo.test]\n  addresses: [240.240.0.1]');

test('in the first seconds calls go by the sidecar; when the rules come they are served here at once', async () => {
  const { call, controlPlane, events, placed, runtime } = placedWorld({ sidecar: { ports: PORTS } });
  expect(await call()).toBe('sidecar hello');
  expect(placed()).toBe('sidecar first-rules');
  runtime.advance(2000);
  controlPlane.routes('v2');
  expect(await call()).toBe('10.0.0.2 hello');
  expect(events).toEqual(['>sidecar first-rules', 'sidecar>in-process served']);
});

test('with last-good rules the first seconds are served here, sidecar or not', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'meltemi-placement-'));
  const options = { sidecar: { ports: PORTS }, lastGood: lastGoodFiles({ directory }) };
  const first = placedWorld(options);
  first.controlPlane.routes('v2');
  await first.call();
  await close(first.mesh, first.runtime);
  const second = placedWorld(options);
  expect(await second.call()).toBe('10.0.0.2 hello');
  expect(second.placed()).toBe('in-process served');
  await close(second.mesh, second.runtime);
  rmSync(directory, { recursive: true });
});

test('rules that do not come in time: sidecar, and back after 60 s at least and 30 s of health', async () => {
  const { call, controlPlane, events, placed, runtime, mesh } = placedWorld({ sidecar: { ports: PORTS } });
  expect(await call()).toBe('sidecar hello');
  runtime.advance(WAIT);
  expect(placed()).toBe('sidecar no-rules');
  runtime.advance(40_000);
  controlPlane.routes('v2');
  expect(await call()).toBe('sidecar hello');
  runtime.advance(29_999);
  expect(await call()).toBe('sidecar hello');
  runtime.advance(1);
  expect(placed()).toBe('in-process served');
  expect(await call()).toBe('10.0.0.2 hello');
  expect(events).toEqual(['>sidecar first-rules', 'sidecar>sidecar no-rules', 'sidecar>in-process served']);
  expect(count(mesh, 'placement_switches_total', { from: 'sidecar', to: 'in-process', reason: 'served' })).toBe(1);
  expect(count(mesh, 'placement_services', { placement: 'in-process' })).toBe(1);
  expect(count(mesh, 'placement_services', { placement: 'sidecar' })).toBe(0);
});

test('configuration says how long a fall-back lasts', async () => {
  const fallBack = { lastsMs: 1000, healthyMs: 200 };
  const { call, controlPlane, runtime } = placedWorld({ sidecar: { ports: PORTS }, fallBack });
  await call();
  runtime.advance(WAIT + 900);
  controlPlane.routes('v1');
  runtime.advance(199);
  expect(await call()).toBe('sidecar hello');
  runtime.advance(1);
  expect(await call()).toBe('10.0.0.1 hello');
});

test('with the control plane gone for good and no sidecar, the rules that it said serve on', async () => {
  const { call, controlPlane, events, runtime } = placedWorld({ maxStaleMs: 60_000 });
  controlPlane.routes('v2');
  expect(await call()).toBe('10.0.0.2 hello');
  controlPlane.lost();
  runtime.advance(7 * 24 * 3_600_000);
  for (let i = 0; i < 10; i++) expect(await call()).toBe('10.0.0.2 hello');
  expect(events).toEqual(['>in-process served', 'in-process>in-process stale']);
});

test('staleness switches nothing unless maxStale is set', async () => {
  const { call, controlPlane, runtime } = placedWorld({ sidecar: { ports: PORTS } });
  controlPlane.routes('v2');
  controlPlane.lost();
  runtime.advance(7 * 24 * 3_600_000);
  expect(await call()).toBe('10.0.0.2 hello');
});

test('a source out of contact for longer than maxStale: by the sidecar, until it is back for 30 s', async () => {
  const { call, controlPlane, events, placed, runtime } = placedWorld({
    sidecar: { ports: PORTS },
    maxStaleMs: 60_000,
  });
  controlPlane.routes('v2');
  expect(await call()).toBe('10.0.0.2 hello');
  controlPlane.lost();
  runtime.advance(59_999);
  expect(await call()).toBe('10.0.0.2 hello');
  runtime.advance(1);
  expect(await call()).toBe('sidecar hello');
  expect(placed()).toBe('sidecar stale');
  runtime.advance(45_000);
  controlPlane.back();
  runtime.advance(29_999);
  expect(await call()).toBe('sidecar hello');
  runtime.advance(1);
  expect(await call()).toBe('10.0.0.2 hello');
  expect(events).toEqual(['>in-process served', 'in-process>sidecar stale', 'sidecar>in-process served']);
});

test.each([
  ['default-route', expect.stringMatching(/^10\.0\.0\.[12] hello$/), 'NO_RULES'],
  ['direct', 'named hello', 'elsewhere hello'],
  ['fail', 'NO_RULES', 'NO_RULES'],
] as const)('no rules in time and no sidecar: onNoRules %s', async (onNoRules, known, unknown) => {
  const it = placedWorld({ onNoRules });
  it.server('demo.test', (payload) => `named ${payload}`);
  it.server('other.test', (payload) => `elsewhere ${payload}`);
  const other = async () => {
    const reply = it.mesh.call({ host: 'other.test', port: 9000 }, message('request', 'hello'));
    return firstValueFrom(reply).then(
      (it) => payloadOf(it.message!),
      (failure) => failure.code,
    );
  };
  const early = [it.call(), other()];
  await turn();
  expect(it.network.dialled).toEqual([]);
  it.runtime.advance(WAIT);
  expect(await Promise.all(early)).toEqual([known, unknown]);
  it.controlPlane.routes('v2');
  expect(await Promise.all([it.call(), other()])).toEqual(['10.0.0.2 hello', 'NO_SERVICE']);
  expect(sizes(it.mesh)).toMatchObject({ singles: 0, unsettled: 0, heldCalls: 0 });
});

test('a mesh without any source has no rules either', async () => {
  const direct = placedWorld({ sources: [], onNoRules: 'direct' });
  direct.server('demo.test', (payload) => `named ${payload}`);
  expect(await direct.call()).toBe('named hello');
  const { mesh } = placedWorld({ sources: [] });
  await mesh.ready();
  await expect(firstValueFrom(mesh.call(DEMO, message('request', 'x')))).rejects.toThrow(
    'NO_RULES: this mesh has no source of rules; demo.test:9000 is described by no rule',
  );
});

test('endpoints that want mTLS: by the sidecar, and never in plaintext', async () => {
  const it = placedWorld({ sidecar: { ports: PORTS } }, demoService + mtls('STRICT'));
  it.controlPlane.nothing();
  expect(await it.call()).toBe('sidecar hello');
  expect(it.placed()).toBe('sidecar mtls');
  it.source.set(demoService);
  it.runtime.advance(60_000);
  expect(await it.call()).toMatch(/^10/);
  it.source.set(demoService + mtls('STRICT'));
  expect(await it.call()).toBe('sidecar hello');
  it.source.set(halfMtls);
  expect(await it.call()).toBe('sidecar hello');
  expect(it.network.dialled.slice(0, 1)).toEqual([`127.0.0.1:${SIDECAR_PORT}`]);
});

test('endpoints that want mTLS, and no sidecar: refused by name; where some do not, they serve', async () => {
  const it = placedWorld({}, demoService + mtls('STRICT'));
  it.controlPlane.nothing();
  expect(await it.call()).toBe('NO_SIDECAR');
  await expect(firstValueFrom(it.mesh.call(DEMO, message('request', 'x')))).rejects.toThrow(
    'NO_SIDECAR: demo.test:9000 needs a sidecar, since its endpoints want mTLS',
  );
  it.source.set(halfMtls);
  for (let i = 0; i < 4; i++) expect(await it.call()).toBe('10.0.0.2 hello');
  it.controlPlane.routes('v1');
  expect(await it.call()).toBe('NO_SIDECAR');
  expect(it.network.dialled).toEqual(['10.0.0.2:9000']);
});

test('a sidecar that captures what goes to services is reached by dialling the service itself', async () => {
  const it = placedWorld({ sidecar: { captures: 'services' }, placement: 'sidecar' }, described);
  it.server('240.240.0.1', (payload) => `vip ${payload}`);
  it.controlPlane.nothing();
  expect(await it.call()).toBe('vip hello');
  expect(it.network.dialled).toEqual(['240.240.0.1:9000']);
  expect(it.mesh.status.placements).toMatchObject([
    { service: 'demo.test:9000', placement: 'sidecar', reason: 'configured', sidecar: '240.240.0.1:9000' },
  ]);
});

test('a proxy that captures everything is where calls belong, unless configuration says otherwise', async () => {
  const captured = placedWorld({ sidecar: { captures: 'all' } }, described);
  captured.server('240.240.0.1', (payload) => `vip ${payload}`);
  captured.controlPlane.nothing();
  expect(await captured.call()).toBe('vip hello');
  expect(captured.placed()).toBe('sidecar captured');
  const wished = placedWorld({ sidecar: { captures: 'all' }, placement: 'in-process' });
  wished.controlPlane.nothing();
  expect(await wished.call()).toMatch(/^10/);
});

test('placements by service; the others as told', async () => {
  const placement = { 'demo.test:9000': 'sidecar', '*': 'in-process' } as const;
  const it = placedWorld({ placement, sidecar: { ports: PORTS } });
  it.controlPlane.nothing();
  expect(await it.call()).toBe('sidecar hello');
  expect(it.mesh.explain({ host: 'other.test', port: 9000 }, {}).placement).toMatchObject({ placement: 'direct' });
});

test('configured for a sidecar that nobody knows the way to', async () => {
  const it = placedWorld({ placement: 'sidecar' });
  it.controlPlane.nothing();
  expect(await it.call()).toBe('NO_SIDECAR');
});

test('detection: calls wait for it, and are made by what it finds', async () => {
  let answer: (present: boolean) => void = () => {};
  const detect = () =>
    new Promise<boolean>((resolve) => {
      answer = resolve;
    });
  const it = placedWorld({ sidecar: { captures: 'all', detect } }, described);
  it.server('240.240.0.1', (payload) => `vip ${payload}`);
  const early = it.call();
  it.controlPlane.nothing();
  await turn();
  expect(it.placed()).toBe('waiting detecting');
  answer(true);
  expect(await early).toBe('vip hello');
  expect(it.events).toEqual(['>waiting detecting', 'waiting>sidecar captured']);
});

test('detection: no proxy at the start, and one in time for those who need it', async () => {
  let there = false;
  const detect = async () => there;
  const it = placedWorld({ sidecar: { captures: 'services', detect } }, described);
  it.server('240.240.0.1', (payload) => `vip ${payload}`);
  const early = it.call();
  await it.runtime.advanceAsync(3000);
  expect(it.placed()).toBe('waiting first-rules');
  there = true;
  await it.runtime.advanceAsync(1000);
  expect(await early).toBe('vip hello');
  expect(it.placed()).toBe('sidecar first-rules');
});

test('what a sidecar does, it does alone: no limit of ours, no series of calls, attempts under a name of their own', async () => {
  const it = placedWorld({ placement: 'sidecar', sidecar: { ports: PORTS } });
  it.controlPlane.nothing();
  for (let i = 0; i < 5; i++) expect(await it.call()).toBe('sidecar hello');
  expect(count(it.mesh, 'requests_total')).toBe(0);
  const cluster = 'sidecar|9000||demo.test';
  expect(count(it.mesh, 'upstream_rq_total', { cluster, outcome: 'ok' })).toBe(5);
  expect(quiet(it.mesh)).toEqual(QUIET);
});

test('explain and plan name the placement and its reason', async () => {
  const it = placedWorld({ placement: 'sidecar', sidecar: { ports: PORTS } });
  it.controlPlane.nothing();
  const placement = { placement: 'sidecar', reason: 'configured', sidecar: `127.0.0.1:${SIDECAR_PORT}` };
  expect(it.mesh.explain(DEMO, {})).toMatchObject({ placement, skipped: [] });
  expect(it.mesh.plan(DEMO)[0]).toMatchObject({ service: 'demo.test:9000', placement });
  const none = placedWorld({}, demoService + mtls('STRICT'));
  none.controlPlane.nothing();
  expect(none.mesh.explain(DEMO, {})).toMatchObject({
    placement: { placement: 'refused' },
    refused: expect.stringContaining('NO_SIDECAR: demo.test:9000 needs a sidecar, since its endpoints want mTLS'),
  });
  const late = placedWorld();
  late.runtime.advance(WAIT);
  const nobody = late.mesh.explain({ host: 'other.test', port: 9000 }, {});
  expect(nobody.refused).toBe('NO_RULES: no rules within 10000 ms from rds; other.test:9000 is described by no rule');
});

test('services that a sidecar serves are in use: their rules are asked for', async () => {
  const it = placedWorld({ placement: 'sidecar', sidecar: { ports: PORTS } });
  const used: string[][] = [];
  const services = (it.mesh as never as { services: { inUse: { subscribe(f: (keys: Set<string>) => void): void } } })
    .services;
  services.inUse.subscribe((keys) => used.push([...keys]));
  it.controlPlane.nothing();
  await it.call();
  await turn();
  expect(used.at(-1)).toEqual(['demo.test_9000']);
  it.source.set('');
  await turn();
  expect(used.at(-1)).toEqual([]);
});

test('several protocols: what nobody describes cannot be told, and is refused', async () => {
  const other = { ...frames, name: 'other' };
  const it = placedWorld({ protocols: [frames, other], sidecar: { ports: { 'other.test:1': 1 } } });
  const call = firstValueFrom(it.mesh.call({ host: 'other.test', port: 1 }, message('request', 'x')));
  await expect(call).rejects.toThrow('NO_RULES: no rules, and which protocol other.test:1 speaks cannot be told');
});

test('a service that is given another virtual address is dialled there; calls under way end where they are', async () => {
  const it = placedWorld({ sidecar: { captures: 'services' }, placement: 'sidecar' }, described);
  const answers: (() => void)[] = [];
  it.server('240.240.0.1', (payload, later) => {
    answers.push(() => later(`old ${payload}`));
    return undefined;
  });
  it.server('240.240.0.2', (payload) => `new ${payload}`);
  it.controlPlane.nothing();
  const early = it.call();
  while (answers.length === 0) await turn();
  it.source.set(described.replace('240.240.0.1', '240.240.0.2'));
  expect(await it.call()).toBe('new hello');
  answers[0]!();
  expect(await early).toBe('old hello');
  expect(quiet(it.mesh)).toEqual(QUIET);
});

test('destinations by the thousand are forgotten, with all that they had', async () => {
  const it = placedWorld({ sidecar: { ports: PORTS }, placement: 'sidecar' });
  it.controlPlane.nothing();
  expect(await it.call()).toBe('sidecar hello');
  expect(sizes(it.mesh)).toMatchObject({ singles: 1, targets: 1 });
  for (let i = 0; i < 10_000; i++) it.mesh.explain({ host: `host-${i}`, port: 1 }, {});
  expect(sizes(it.mesh)).toMatchObject({ singles: 0, targets: 1, unsettled: 0 });
  expect(count(it.mesh, 'placement_services')).toBe(1);
  expect(await it.call()).toBe('sidecar hello');
});

test('a proxy that is found, and captures all, is worth a warning: calls go through it and not through us', async () => {
  const warned: string[] = [];
  const logger = { debug() {}, info() {}, warn: (line: string) => void warned.push(line), error() {} };
  const it = placedWorld({ sidecar: { captures: 'all', detect: async () => true }, logger }, described);
  await it.runtime.advanceAsync(0);
  expect(warned).toEqual([expect.stringContaining('there is a proxy beside this process: calls go through it')]);
});
