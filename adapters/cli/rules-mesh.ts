import { createMesh, type Destination, type Mesh, type Protocol } from '../../src/index.js';
import { parseConfig } from '../node/config.js';
import { PROTOCOLS } from '../node/protocols.js';
import { meshOptions, type StartOptions } from '../node/start-mesh.js';
import { loadRules } from '../sources/file/index.js';
import { UsageError } from './io.js';

/** A mesh that has rules and makes no calls: for asking what it would decide. */
export async function rulesMesh(
  paths: readonly string[],
  warn: (line: string) => void,
  extra: Pick<StartOptions, 'workers'> = {},
): Promise<Mesh> {
  if (paths.length === 0) throw new UsageError('which rules? Give files or folders of YAML');
  const say = (message: string) => warn(message);
  // An error here is that of `ready`.
  const logger = { debug() {}, info() {}, warn: say, error() {} };
  // What is beside this process is not what is beside the one that would call.
  const config = parseConfig({ rules: [...paths], watch: false, protocols: [], sidecar: { captures: 'none' } });
  const mesh = createMesh(await meshOptions(config, { ...extra, logger, protocols: await protocolsOf(paths) }));
  await mesh.ready();
  return mesh;
}

/** Those that the rules name. Decisions need no codec, so a private protocol is as good as one of ours. */
async function protocolsOf(paths: readonly string[]): Promise<readonly Protocol[]> {
  const { services } = await loadRules(paths);
  const names = new Set(services.flatMap(({ protocol }) => protocol ?? []));
  return Promise.all([...names].map((name) => PROTOCOLS.get(name)?.() ?? codeless(name)));
}

function codeless(name: string): Protocol {
  return {
    name,
    sharing: 'multiplexed',
    open: () => {
      throw new Error(`there is no codec for ${name} here`);
    },
  };
}

/** @throws UsageError - it is not `HOST:PORT` */
export function destinationOf(to: string | undefined): Destination {
  const colon = to?.lastIndexOf(':') ?? -1;
  const port = Number(to?.slice(colon + 1));
  if (to === undefined || colon <= 0 || !Number.isInteger(port) || port < 1 || port > 65535) {
    throw new UsageError(`--to wants HOST:PORT, such as demo.meta-dubbo.svc.cluster.local:20880; got ${to ?? 'none'}`);
  }
  return { host: to.slice(0, colon), port };
}
