import { once } from 'node:events';
import type { Mesh } from 'meltemi';
import type { DubboClient } from 'meltemi/dubbo';
import { firstValueFrom } from 'rxjs';
import { type Dubbo2Client, dubbo2Client } from './peers/dubbo2-client.js';
import { type Peer, startPeer } from './peers/start-peer.js';
import type { Report } from './report.js';
import { HOST, INTERFACE, metaRouter, PORT, RESILIENCE, type RulesFolder, split, toSubset } from './rules.js';

/** What a scene plays with. */
export interface Stage {
  readonly mesh: Mesh;
  readonly rules: RulesFolder;
  readonly report: Report;
  /** An unmodified npm dubbo2.js client, on one connection to a listener of the mesh. */
  readonly npmClient: Dubbo2Client;
  /** Our own client API. */
  readonly client: DubboClient;
  readonly providerFile: string;
  v1: Peer;
  readonly v2: Peer;
}

const service = { host: HOST, port: PORT, interface: INTERFACE };

export async function balance({ npmClient, client, report }: Stage): Promise<void> {
  report.open('1. The default route', 'No MetaRouter: requests, not connections, are balanced over both versions.');
  const npm = await tally(40, () => npmClient.sayHello('npm'));
  report.equal('dubbo2.js, 40 calls on one connection, answered by v1 / v2', '20 / 20', figures(npm));
  const own = await tally(40, () => client.call('sayHello', ['meltemi']) as Promise<string>);
  report.equal('our client API, 40 calls, answered by v1 / v2', '20 / 20', figures(own));
  report.close();
}

export async function route(stage: Stage): Promise<void> {
  const { report, npmClient, client } = stage;
  report.open('2. A MetaRouter', 'method: sayHello goes to v2; every other method still goes to both.');
  await apply(
    stage,
    'router.yaml',
    metaRouter(`  routes:${toSubset('hello', 'v2', 'sayHello')}${split('rest', 50, 50)}\n`),
  );
  const npm = await tally(30, () => npmClient.sayHello('npm'));
  report.equal('dubbo2.js, 30 × sayHello, v1 / v2', '0 / 30', figures(npm));
  const why = stage.mesh.explain(service, { method: 'sayHello', interface: INTERFACE });
  report.equal('why, asked of the mesh: route', 'hello', why.route ?? 'none');
  const slept = await Promise.all(Array.from({ length: 10 }, () => client.call('slow', [1], { types: ['int'] })));
  report.equal('our client API, 10 × slow, answered', 10, slept.length);
  report.close();
}

export async function weights(stage: Stage): Promise<void> {
  const { report, npmClient } = stage;
  report.open('3. A 20/80 split', 'Two destinations with weights; each call draws anew.');
  await apply(stage, 'router.yaml', metaRouter(`  routes:${split('split', 20, 80)}\n`));
  const drawn = await tally(400, () => npmClient.sayHello('npm'));
  // 400 draws at 0.2: standard deviation 8. Five of them: one run in two million fails by chance.
  report.near('dubbo2.js, 400 calls, answered by v1', 80, 40, drawn.v1);
  report.close();
}

export async function mutate(stage: Stage): Promise<void> {
  const { report, npmClient } = stage;
  report.open(
    '4. A request mutation',
    'The rule adds attachments; the provider, which knows nothing of a mesh, sees them.',
  );
  const mutation = '      requestMutation: [{ key: foo, value: bar }, { key: foo1, value: bar1 }]\n';
  await apply(stage, 'router.yaml', metaRouter(`  routes:${toSubset('mutated', 'v1')}\n${mutation}`));
  const seen = await npmClient.attachments();
  report.equal("attachment 'foo' at the provider", 'bar', String(seen.foo));
  report.equal("attachment 'foo1' at the provider", 'bar1', String(seen.foo1));
  report.close();
}

export async function limit(stage: Stage): Promise<void> {
  const { report, mesh, v1 } = stage;
  report.open(
    '5. A local rate limit',
    'mesh.serve stands in front of the provider; its MetaRouter allows 5 calls a minute.',
  );
  const bucket = '{ maxTokens: 5, tokensPerFill: 5, fillInterval: 60s }';
  await apply(stage, 'router.yaml', metaRouter(`  localRateLimit: { tokenBucket: ${bucket} }\n`));
  const served = await mesh.serve({
    port: 0,
    service: `${HOST}:${PORT}`,
    forward: { host: '127.0.0.1', port: v1.port },
  });
  const client = dubbo2Client({ host: '127.0.0.1', port: served.port });
  let answered = 0;
  const errors: string[] = [];
  for (let i = 0; i < 8; i++) {
    await client.sayHello('limited').then(
      () => answered++,
      (error: Error) => errors.push(error.message),
    );
  }
  report.equal('of 8 calls, answered / refused', '5 / 3', `${answered} / ${errors.length}`);
  const text = errors[0] ?? '';
  report.check('what dubbo2.js raised', '… has been rate limited', text, text.includes('rate limited'));
  client.close();
  await served.close();
  report.close();
}

export async function outage(stage: Stage): Promise<void> {
  const { report, mesh, client, v1, providerFile } = stage;
  report.open(
    '6. A provider dies under load',
    'sayHello is idempotent: retries hide it. The circuit of v1 opens, and closes when v1 is back.',
  );
  await stage.rules.write('resilience.yaml', RESILIENCE);
  await apply(
    stage,
    'router.yaml',
    metaRouter(
      `  routes:${toSubset('slow', 'v1', 'slow')}\n    - name: rest\n      route: [{ destination: { host: ${HOST} } }]\n`,
    ),
  );
  const hello = () => client.call('sayHello', ['load']) as Promise<string>;
  let failed = 0;
  let answered = 0;
  let running = true;
  const load = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (running) {
        await hello().then(
          () => answered++,
          () => failed++,
        );
      }
    }),
  );
  await until(() => answered > 200);
  const before = answered;
  await v1.kill('SIGKILL');
  report.say('v1 is killed.');
  await until(() => answered > before + 500);
  running = false;
  await load;
  report.equal(`calls that failed, of ${answered + failed} while v1 died`, 0, failed);

  const nap = () => client.call('slow', [1], { types: ['int'], timeoutMs: 1000 }).then(() => 'answered', codeOf);
  const outcomes: string[] = [];
  while (!outcomes.includes('CIRCUIT_OPEN') && outcomes.length < 50) {
    outcomes.push(await nap());
    await new Promise(setImmediate); // the breaker judges once a turn of the event loop
  }
  report.equal('v1 alone: after how many failures the circuit is open', 5, outcomes.indexOf('CIRCUIT_OPEN'));
  stage.v1 = await startPeer(providerFile, ['--name', 'v1', '--port', String(v1.port)]);
  report.say('v1 is back.');
  const last = await eventually(nap, (outcome) => outcome === 'answered', 3000);
  report.equal('v1 alone, after its circuit let a probe through', 'answered', last);
  report.equal(
    'state of the circuit',
    'closed',
    mesh.status.clusters.find((it) => it.name === `outbound|${PORT}|v1|${HOST}`)?.circuit ?? 'none',
  );
  report.close();
}

export async function edit(stage: Stage): Promise<void> {
  const { report, client } = stage;
  report.open('7. Rules change under load', 'The file is rewritten 20 times while calls run; not one may fail.');
  let failed = 0;
  let running = true;
  const seen = { v1: 0, v2: 0 };
  const load = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (running)
        await (client.call('sayHello', ['x']) as Promise<string>).then(
          (answer) => count(seen, answer),
          () => failed++,
        );
    }),
  );
  for (let i = 1; i <= 20; i++) {
    await apply(stage, 'router.yaml', metaRouter(`  routes:${toSubset(`edit-${i}`, i % 2 === 0 ? 'v2' : 'v1')}\n`));
  }
  const after = await tally(20, () => client.call('sayHello', ['x']) as Promise<string>);
  running = false;
  await load;
  report.equal(`calls that failed, of ${seen.v1 + seen.v2 + failed}`, 0, failed);
  report.equal('20 calls under the last rules, v1 / v2', '0 / 20', figures(after));
  report.close();
}

/** Writes the file and waits until the mesh obeys it. */
async function apply({ mesh, rules }: Stage, file: string, text: string): Promise<void> {
  const applied = firstValueFrom(mesh.changes);
  await rules.write(file, text);
  await applied;
}

interface Tally {
  v1: number;
  v2: number;
}

function count(tally: Tally, answer: string): void {
  if (answer.endsWith('v1')) tally.v1++;
  else if (answer.endsWith('v2')) tally.v2++;
  else throw new Error(`neither v1 nor v2 answered: ${answer}`);
}

async function tally(times: number, call: () => Promise<string>): Promise<Tally> {
  const result = { v1: 0, v2: 0 };
  for (const answer of await Promise.all(Array.from({ length: times }, call))) count(result, answer);
  return result;
}

function figures({ v1, v2 }: Tally): string {
  return `${v1} / ${v2}`;
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error);
}

/** Polls between turns of the event loop, while load runs. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

async function eventually<T>(attempt: () => Promise<T>, wanted: (result: T) => boolean, withinMs: number): Promise<T> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const result = await attempt();
    if (wanted(result) || performance.now() > giveUpAt) return result;
    await once(AbortSignal.timeout(20), 'abort');
  }
}
