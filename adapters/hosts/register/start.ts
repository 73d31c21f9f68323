import { createMesh, type Logger, type Mesh } from '../../../src/index.js';
import { type LogLevel, namesBy, plainTransportBy, stderrLogger, systemRuntime } from '../../../src/spi.js';
import { forgivingStream } from '../../../src/telemetry/index.js';
import { openMeshControl } from '../../node/control.js';
import { readEnvironment } from '../../node/environment.js';
import { meshOptions } from '../../node/start-mesh.js';
import { banner, inboundInWords, unread } from './banner.js';
import { install } from './install.js';
import { nodeConnect, nodeDns } from './node-functions.js';
import type { Patch } from './patch.js';
import { isSwitchedOn } from './switches.js';

/** A mesh that stands between this process and the network. */
export interface Started {
  readonly mesh: Mesh;
  readonly installed: Patch;
}

const LEVELS: readonly string[] = ['debug', 'info', 'warn', 'error', 'silent'] satisfies readonly LogLevel[];
const ONCE = Symbol.for('meltemi.register');

/**
 * Starts the mesh that the environment describes, waits for its rules as a call would, and puts it in place. What goes wrong
 * is told in a line and the process goes on without a mesh; with `MELTEMI_STRICT` it ends with code 1.
 */
export async function start(env: NodeJS.ProcessEnv): Promise<Started | undefined> {
  const level = env.MELTEMI_LOG ?? 'warn';
  const out = forgivingStream(process.stderr);
  const logger = stderrLogger(systemRuntime(), out, LEVELS.includes(level) ? (level as LogLevel) : 'warn');
  try {
    if (!LEVELS.includes(level)) throw new Error(`MELTEMI_LOG=${level}: it may be ${LEVELS.join(', ')}`);
    const talks = level !== 'error' && level !== 'silent';
    return await startWith(env, logger, (line) => talks && out.write(`meltemi ${line}\n`));
  } catch (error) {
    const strict = isSwitchedOn(env.MELTEMI_STRICT);
    const outcome = strict ? 'this process ends, as MELTEMI_STRICT is set' : 'this process goes on without a mesh';
    const message = error instanceof Error ? error.message : String(error);
    for (const line of `${outcome}: ${message}`.split('\n')) logger.error(line);
    if (strict) process.exit(1);
    return undefined;
  }
}

async function startWith(
  env: NodeJS.ProcessEnv,
  logger: Logger,
  say: (line: string) => void,
): Promise<Started | undefined> {
  const strict = isSwitchedOn(env.MELTEMI_STRICT);
  const warn = (message: string) => logger.warn(message);
  const refuse = (message: string) => {
    throw new Error(message);
  };
  const once = globalThis as { [ONCE]?: true };
  if (once[ONCE]) throw new Error('another copy of meltemi is registered already');
  const config = await readEnvironment(env, { warn: strict ? refuse : warn });
  if (config.rules.length === 0 && config.metards === undefined) {
    throw new Error('there are no rules: MELTEMI_RULES, MELTEMI_METARDS or MELTEMI_CONFIG say where they are');
  }
  once[ONCE] = true;
  const transport = plainTransportBy(nodeConnect);
  const parts = { logger, transport, names: namesBy(nodeDns), keepsProcess: false };
  const mesh = createMesh(await meshOptions(config, parts));
  const control = await openMeshControl(mesh, config, warn);
  await mesh.ready().catch((error: Error) => {
    // Why a source failed the mesh has told.
    const failed = failedSource(mesh);
    if (strict) throw failed === undefined ? error : new Error(`source ${failed} failed`);
    if (failed === undefined) logger.error(error.message);
  });
  if (strict && areEmpty(config.rules, mesh)) throw new Error(`there are no rules in ${config.rules.join(', ')}`);
  const installed = install({ mesh, warn, governing: (port) => say(inboundInWords(port)) });
  const services = mesh.described();
  say(banner(services, config, { control, failedSource: failedSource(mesh) }));
  for (const line of unread(services)) warn(line);
  return { mesh, installed };
}

function failedSource(mesh: Mesh): string | undefined {
  return mesh.status.sources.find(({ state }) => state === 'failed')?.name;
}

/** Have the files been read, and nothing was in them? */
function areEmpty(files: readonly string[], { status }: Mesh): boolean {
  const source = status.sources.find(({ name }) => name === 'file');
  return files.length > 0 && source !== undefined && Object.values(source.rules).every((count) => count === 0);
}
