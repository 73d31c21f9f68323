/**
 * `npm run bench:peer`: what stands between two processes costs them, beside a real Envoy and others, in one run: a call to a
 * server on loopback, directly, by ways of ours, and through proxies. docs/peers.md tells how to read it. Exit 1: a reply
 * was wrong or lost. What this machine does not have is skipped by name.
 */

import { cpus } from 'node:os';
import { MAX_CALLERS } from './kit/closed-loop.js';
import { exchange, type ProtocolName } from './kit/exchanges.js';
import { CACHE, Processes, pinTo } from './kit/processes.js';
import { type Leg, startClient, startLegs } from './legs.js';
import { isFaulty, measure, type Runner } from './measure.js';
import { type Options, optionsOf, USAGE } from './options.js';
import { findEnvoy, findProgram } from './peers/find.js';
import { type CaseFigures, print } from './report.js';
import { Stack } from './stack.js';
import { verdictsOf } from './targets.js';
import { Witnesses } from './witnesses.js';

const options = parsed();
const pinned = options.core !== undefined && pinTo(options.core);
const processes = new Processes();
const wants = (prefix: string) => options.legs.some((it) => it.id.startsWith(prefix));
const peers = {
  envoy: wants('envoy') ? await findEnvoy(CACHE) : 'not asked for',
  haproxy: wants('haproxy') ? await findProgram('haproxy', '-v', /version ([\d.]+)/) : 'not asked for',
};
const exchanges = Object.fromEntries(
  options.protocols.map((it) => [it, options.sizes.map((size) => exchange(it, size))]),
);
const stack = new Stack(processes, exchanges, peers);
try {
  await run();
} finally {
  await processes.stop();
  stack.clear();
}

async function run(): Promise<void> {
  const { legs, skipped } = await startLegs(options.legs, stack);
  const machine = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${pinned ? 'all processes on one' : 'processes where the kernel puts them'}`,
    versions: { node: process.versions.node, envoy: versionOf(peers.envoy), haproxy: versionOf(peers.haproxy) },
  };
  if (!options.json) {
    console.log(
      `${machine.date}, ${machine.machine}; ${Object.entries(machine.versions)
        .map((it) => it.join(' '))
        .join(', ')}`,
    );
    for (const { name, reason } of skipped) console.log(`skipped: ${name}: ${reason}`);
  }
  const cases: CaseFigures[] = [];
  const witnesses = new Witnesses();
  for (const protocol of options.protocols) {
    for await (const figures of casesOf(protocol, legs, witnesses)) {
      cases.push(figures);
      if (!options.json) print(figures);
    }
  }
  const verdicts = options.judged ? verdictsOf(cases) : [];
  if (options.json) console.log(JSON.stringify({ ...machine, skipped, cases, verdicts }, null, 2));
  else for (const { what, ok, figures } of verdicts) console.log(`${ok ? 'ok    ' : 'MISSED'} ${what}: ${figures}`);
  if (cases.some(({ legs }) => legs.some(isFaulty))) process.exitCode = 1;
}

/** One protocol's clients live through all of its cases. */
async function* casesOf(
  protocol: ProtocolName,
  legs: readonly Leg[],
  witnesses: Witnesses,
): AsyncGenerator<CaseFigures> {
  const { profiles, sizes, callers: windows, pace } = options;
  const { warmCalls } = pace;
  const node = profiles === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profiles];
  const runners: Runner[] = legs.map((leg) => {
    const named = profiles === undefined ? [] : ['--cpu-prof-name', `${protocol}-${leg.id}.cpuprofile`];
    return { leg, client: startClient(leg, processes, [...node, ...named]) };
  });
  const first = { protocol, exchange: exchanges[protocol]![0]!, callers: MAX_CALLERS };
  const warmed = await measure(first, runners, { ...pace, rounds: 0 });
  witnesses.saw(runners, warmed);
  if (warmed.some(isFaulty)) yield { protocol, size: first.exchange.size, callers: MAX_CALLERS, legs: warmed };
  for (const [i, size] of sizes.entries()) {
    for (const callers of windows) {
      const each = { protocol, exchange: exchanges[protocol]![i]!, callers };
      const figures = await measure(each, runners, { ...pace, warmCalls: Math.ceil(warmCalls / 30) });
      witnesses.saw(runners, figures);
      yield { protocol, size, callers, legs: figures };
    }
  }
  await witnesses.check(runners);
  await Promise.all(runners.map(({ client }) => client.stop()));
}

function versionOf(peer: { version: string } | string): string {
  return typeof peer === 'string' ? 'none' : peer.version;
}

function parsed(): Options {
  if (process.argv.includes('--help')) {
    console.log(USAGE);
    process.exit(0);
  }
  try {
    return optionsOf(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}
