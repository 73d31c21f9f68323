import type { Decision } from '../../src/mesh/index.js';
import { type OutputIo, readArgs, UsageError } from './io.js';
import { placementInWords } from './placement.js';
import { destinationOf, rulesMesh } from './rules-mesh.js';

const USAGE = `meltemi explain RULES... --to HOST:PORT [--attr KEY=VALUE]... [--draw N] [--json]

What would become of a call with these attributes, and why: the route, why the earlier ones did not match, the cluster,
its endpoints and policies. No call is made.

  --to HOST:PORT    where the call is addressed
  --attr KEY=VALUE  an attribute of the request, such as method=sayHello; repeat it
  --draw N          0 to 1: where weights are drawn (default 0)
  --json            one JSON object

Exit code 0: decided, refusals included. 1: the rules cannot be used. 2: wrong usage.
`;

/** `meltemi explain`. */
export async function explainCommand(args: readonly string[], { stdout, stderr }: OutputIo): Promise<number> {
  const { values, positionals } = readArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      to: { type: 'string' },
      attr: { type: 'string', multiple: true, default: [] },
      draw: { type: 'string', default: '0' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    stdout.write(USAGE);
    return 0;
  }
  const destination = destinationOf(values.to);
  const draw = Number(values.draw);
  if (!(draw >= 0 && draw < 1)) throw new UsageError(`--draw wants a number from 0 to below 1, got ${values.draw}`);
  const attributes = Object.fromEntries(values.attr.map(attribute));
  const mesh = await rulesMesh(positionals, (line) => stderr.write(`${line}\n`));
  const decision = mesh.explain(destination, attributes, draw);
  stdout.write(values.json ? `${JSON.stringify(decision)}\n` : inWords(decision));
  await mesh.close();
  return 0;
}

function attribute(text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  if (equals <= 0) throw new UsageError(`--attr wants KEY=VALUE, got '${text}'`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function inWords(decision: Decision): string {
  const lines = [`to ${decision.destination}`];
  const say = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== '') lines.push(`${`${name}:`.padEnd(13)}${value}`);
  };
  say('service', decision.service === undefined ? undefined : `${decision.service} (${decision.protocol})`);
  const undescribed = decision.placement.reason === 'undescribed';
  say(undescribed ? 'connections' : 'placement', placementInWords(decision.placement));
  for (const miss of decision.skipped) say('skipped', miss);
  if (decision.route !== undefined) {
    const why = decision.matched?.length ? decision.matched.join(' and ') : 'it matches everything';
    say('route', `${decision.route || '(no name)'}, since ${why}`);
    say('written at', decision.origin);
  }
  for (const { cluster, percent } of decision.destinations ?? []) say('destination', `${cluster} ${percent} %`);
  say('cluster', decision.cluster);
  for (const it of decision.endpoints ?? []) {
    const state = it.wantsMtls ? 'wants mTLS' : it.healthy ? 'usable' : it.ejectedMs > 0 ? 'ejected' : 'draining';
    say('endpoint', `${it.address} weight ${it.weight}, ${state}`);
  }
  for (const [key, value] of decision.requestMutation ?? []) say('sets', `${key}=${value} on the request`);
  for (const [key, value] of decision.responseMutation ?? []) say('sets', `${key}=${value} on the reply`);
  for (const { cluster, percent } of decision.mirrors ?? []) say('mirror', `${cluster} ${percent} %`);
  if (decision.hashKeys?.length) say('hash of', decision.hashKeys.join(', '));
  for (const [name, value] of Object.entries(decision.policy ?? {})) say('policy', `${name} ${JSON.stringify(value)}`);
  say(undescribed ? 'mesh.call' : 'refused', decision.refused);
  return `${lines.join('\n')}\n`;
}
