import { createRequire } from 'node:module';
import type { DescribedService } from '../../../src/index.js';
import type { LoadedConfig } from '../../node/index.js';
import type { GovernedPort } from './inbound.js';

/** Services that are named in one line. */
const NAMED = 5;

export interface Outcome {
  /** The open control socket. */
  readonly control: string | undefined;
  readonly failedSource: string | undefined;
}

/** What the mesh of this process does, in one line, after its name. */
export function banner(
  services: readonly DescribedService[],
  config: LoadedConfig,
  { control, failedSource }: Outcome,
): string {
  const governed = services
    .filter((it) => it.governed)
    .map(({ host, port, protocol }) => `${host}:${port} (${protocol})`);
  const more = governed.length > NAMED ? ` and ${governed.length - NAMED} more` : '';
  const nothing = failedSource === undefined ? 'nothing yet' : `nothing, as source ${failedSource} failed`;
  const what = governed.length === 0 ? nothing : `${governed.slice(0, NAMED).join(', ')}${more}`;
  const mode = config.mode === 'observe' ? ' (observing only)' : '';
  // Looked for by its pid is what lies where it is by default.
  const whose = config.control === true ? `--pid ${process.pid}` : `--socket ${control}`;
  const ask = control === undefined ? '' : `; meltemi status ${whose} tells more`;
  return `${version()} governs ${what}${mode}, by ${sourcesOf(config)}${ask}`;
}

function sourcesOf({ rules, metards }: LoadedConfig): string {
  return [...rules, ...(metards === undefined ? [] : [`MetaRDS at ${metards.address}`])].join(' and ');
}

/** The same of a port of the app's own. */
export function inboundInWords({ port, service }: GovernedPort): string {
  return `governs port ${port} of this app, by the rules of ${service}`;
}

/** Services whose connections go past the mesh, although rules name them as services of a mesh. */
export function unread(services: readonly DescribedService[]): readonly string[] {
  return services
    .filter((it) => !it.governed)
    .map(
      ({ host, port, protocol }) =>
        `${host}:${port} speaks '${protocol}', which no codec here reads and no sidecar takes: its connections are left alone`,
    );
}

function version(): string {
  const manifest = createRequire(import.meta.url)('meltemi/package.json') as { readonly version: string };
  return manifest.version;
}
