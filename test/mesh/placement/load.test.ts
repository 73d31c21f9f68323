import { expect, test } from '@jest/globals';
import { ManualRuntime } from '../../../src/testing/index.js';
import { FrameClient } from '../frame-client.js';
import { HOSTS, QUIET, quiet, sizes, turn } from '../scene.js';
import { DEMO, demoService } from '../support.js';
import { PORTS, placedWorld, SIDECAR_PORT } from './world.js';

const strict = `${demoService}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: all, namespace: test }
spec: { mtls: { mode: STRICT } }
`;

test('calls run while placements switch, there and back, 20 times: none is lost, and each went where it belonged', async () => {
  const { random } = new ManualRuntime(7);
  const it = placedWorld({ sidecar: { ports: PORTS } });
  const serve = (host: string, name: string, port: number) =>
    it.server(
      host,
      (payload, later) => {
        const wait = (left: number) => (left === 0 ? later(`${name} ${payload}`) : setImmediate(wait, left - 1));
        wait(Math.floor(random() * 4));
        return undefined;
      },
      port,
    );
  for (const host of HOSTS) serve(host, 'here', 9000);
  serve('127.0.0.1', 'sidecar', SIDECAR_PORT);
  it.controlPlane.nothing();

  const wrong: string[] = [];
  const went = new Set<string>();
  let calls = 0;
  const check = async (make: (payload: string) => Promise<string>, anywhere: boolean) => {
    const payload = `${calls++}`;
    const before = it.placed().split(' ')[0] === 'sidecar' ? 'sidecar' : 'here';
    const answer = await make(payload);
    const [where = '', echoed] = answer.split(' ');
    went.add(where);
    if (echoed !== payload || (where !== before && !anywhere)) wrong.push(`${payload}: ${answer}, not ${before}`);
  };
  const clients = [new FrameClient(it.mesh.connect(DEMO.host, DEMO.port))];
  const running: Promise<void>[] = [];
  const load = async () => {
    for (let i = 0; i < 5; i++) running.push(check((payload) => it.call(payload), false));
    // A stream that is passed through goes where it began.
    for (const client of clients) running.push(check((payload) => client.call(payload), true));
    await turn();
  };
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 5; i++) await load();
    it.source.set(round % 2 === 0 ? strict : demoService);
    if (round % 5 === 0) clients.push(new FrameClient(it.mesh.connect(DEMO.host, DEMO.port)));
    for (let i = 0; i < 5; i++) await load();
    if (round % 2 === 1) it.runtime.advance(60_000);
  }
  await Promise.all(running);
  expect(wrong).toEqual([]);
  expect([...went].sort()).toEqual(['here', 'sidecar']);
  expect(it.events).toHaveLength(21);
  expect(it.events.slice(1, 3)).toEqual(['in-process>sidecar mtls', 'sidecar>in-process served']);
  for (const client of clients) expect(client.stray).toBe(0);
  expect(quiet(it.mesh)).toEqual(QUIET);
  expect(sizes(it.mesh)).toMatchObject({ singles: 0, unsettled: 0, heldCalls: 0, waitingStreams: 0 });
});
