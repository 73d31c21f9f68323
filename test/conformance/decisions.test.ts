/**
 * One set of decisions for all ways into the mesh. A vector in `decisions/` is the rules of a service and calls to it, each
 * with what must become of it: who answers, what the provider saw, or which failure. Real providers answer, in processes of
 * their own. Every edge must do what the vector says, and so all agree.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Peer, startPeer } from '../../examples/demo/peers/start-peer.js';
import { freePort } from '../support/free-ports.mjs';
import { type PackageFolder, packageFolder } from '../support/package-folder.js';
import { clientApi, duplex, type Edge, listener, type Observed, observe, preload, sidecar, started } from './edges.js';
import { PORT, readVectors, type Vector, type VectorCall } from './vectors.js';

const WRITTEN = readVectors({}).map(({ vector }) => vector);
const NAMES = WRITTEN.map(({ name }) => name);
const HOSTS = WRITTEN.map(({ host }) => host);
const EDGES: Record<string, () => Promise<Edge>> = {
  'the client API': () => clientApi(rules),
  'an in-process stream': () => duplex(rules),
  'a listener': () => listener(rules),
  'the preload': () => preload(rules, installed.path),
  'a sidecar process': () => sidecar(rules, installed.path, HOSTS),
};

let installed: PackageFolder;
const providers: Peer[] = [];
let rules: string;
let vectors: Map<string, Vector>;

beforeAll(async () => {
  const provider = (name: string) => startPeer('examples/demo/peers/provider.mjs', ['--name', name]);
  const [v1, v2, folder] = await Promise.all([provider('v1'), provider('v2'), packageFolder()]);
  installed = folder;
  providers.push(v1, v2);
  rules = await mkdtemp(join(tmpdir(), 'conformance-'));
  const read = readVectors({ v1: v1.port, v2: v2.port, nobody: await freePort() });
  for (const { vector, rules: text } of read) await writeFile(join(rules, `${vector.name}.yaml`), text);
  vectors = new Map(read.map(({ vector }) => [vector.name, vector]));
});

afterAll(async () => {
  await Promise.all([...providers.map((it) => it.stop()), installed.remove()]);
  await rm(rules, { recursive: true });
});

/** Whichever endpoint a key leads to, it is the same wherever the call came in. */
const chosen = new Map<string, string>();

function expected(vector: Vector, call: VectorCall, observed: readonly Observed[], at: number): Observed {
  if (call.fails !== undefined) return { fails: call.fails };
  const key = `${vector.name} ${call.asCall ?? at}`;
  const any = call.from === 'any';
  if (any && !chosen.has(key)) chosen.set(key, observed[at]!.from ?? 'nobody');
  const from = any ? chosen.get(key)! : call.from!;
  return { from, ...(call.seen && { seen: call.seen }), ...(call.reply && { reply: call.reply }) };
}

describe.each(Object.entries(EDGES))('by %s', (_name, open) => {
  let edge: Edge;
  beforeAll(async () => {
    edge = await open();
  });
  afterAll(() => edge.close());

  test.each(NAMES)('%s', async (name) => {
    const vector = vectors.get(name)!;
    const observed = await observe(edge, vector);
    expect(observed).toEqual(vector.calls.map((call, at) => expected(vector, call, observed, at)));
  });
});

test.each(NAMES)('%s is what explain says', async (name) => {
  const { host, calls } = vectors.get(name)!;
  const mesh = await started(rules);
  const explained = calls.map(({ method = 'whoami', attachments = {} }) => {
    const { route, refused } = mesh.explain({ host, port: PORT }, { method, ...attachments });
    return { route, refused: refused === undefined ? undefined : /^[A-Z_]+/.exec(refused)?.[0] };
  });
  await mesh.close();
  for (const [at, { route, fails }] of calls.entries()) {
    if (route !== undefined) expect({ at, route: explained[at]!.route }).toEqual({ at, route });
    if (fails === 'NO_ROUTE') expect({ at, refused: explained[at]!.refused }).toEqual({ at, refused: fails });
  }
});
