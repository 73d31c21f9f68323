import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { controlFolder, ownFolder } from '../control/place.js';
import { ConfigError, configSchema, type LoadedConfig, parseConfig, readConfig } from './config.js';
import { nearest } from './nearest.js';
import { podOf } from './pod.js';
import { PROTOCOLS } from './protocols.js';

/** The variable says no more than its absence. */
const UNSAID = Symbol('unsaid');

/** Variables that are keys of the configuration, with how their text becomes a value. */
const KEYS: Readonly<Record<string, readonly [field: string, read: (text: string, cwd: string) => unknown]>> = {
  MELTEMI_RULES: ['rules', (text, cwd) => list(text).map((path) => resolve(cwd, path))],
  MELTEMI_METARDS: ['metards.address', (text) => text],
  MELTEMI_PROTOCOLS: ['protocols', (text, cwd) => list(text).map((name) => moduleAt(name, cwd))],
  MELTEMI_INTERCEPTORS: ['interceptors', (text, cwd) => list(text).map((name) => moduleAt(name, cwd))],
  MELTEMI_MODE: ['mode', (text) => text],
  MELTEMI_PLACEMENT: ['placement', (text) => text],
  MELTEMI_INITIAL_TIMEOUT: ['initialTimeout', (text) => text],
  MELTEMI_ON_NO_RULES: ['onNoRules', (text) => text],
  MELTEMI_MAX_STALE: ['maxStale', (text) => text],
  MELTEMI_SIDECAR_CAPTURES: ['sidecar.captures', (text) => text],
  MELTEMI_LAST_GOOD: ['lastGood', (text, cwd) => (isOff(text) ? undefined : isOn(text) ? UNSAID : resolve(cwd, text))],
  MELTEMI_CONTROL: ['control', (text, cwd) => (isOff(text) ? false : isOn(text) ? true : resolve(cwd, text))],
  MELTEMI_ACCESS_LOG: ['accessLog.path', (text, cwd) => (/^std(out|err)$/.test(text) ? text : resolve(cwd, text))],
  MELTEMI_WORKERS: ['workers', (text) => Number(text)],
  MELTEMI_NODE_ID: ['node.id', (text) => text],
  MELTEMI_NODE_NAMESPACE: ['node.namespace', (text) => text],
  MELTEMI_NODE_LABELS: ['node.labels', (text) => pairs(text)],
  MELTEMI_NODE_ADDRESSES: ['node.addresses', list],
  MELTEMI_NODE_LOCALITY: ['node.locality', (text) => text],
};

/** Variables that others read. */
const OTHERS = ['MELTEMI_CONFIG', 'MELTEMI_DISABLED', 'MELTEMI_STRICT', 'MELTEMI_LOG'];

/** All variables that mean something, in the order of the documentation. */
export const VARIABLES: readonly string[] = [...OTHERS, ...Object.keys(KEYS)];

/** Taken in this order from the working directory, where `MELTEMI_CONFIG` names none. */
const FILES = ['meltemi.config.mjs', 'meltemi.config.js', 'meltemi.config.yaml'];

/** Kubernetes tells each pod of each service so; one that is called `meltemi` is not meant for us. */
const OF_KUBERNETES = /_SERVICE_HOST$|_SERVICE_PORT(_|$)|_PORT$|_PORT_\d+_(TCP|UDP)/;

export interface EnvironmentOptions {
  /** What relative paths of variables are relative to, and where a file is looked for. @defaultValue the working directory */
  readonly cwd?: string;
  /** Where the pod's downward API is mounted. @defaultValue '/etc/podinfo' */
  readonly podinfo?: string;
  /** Of a variable that nobody reads, and of what is left out. @defaultValue nobody is told */
  readonly warn?: (message: string) => void;
}

/**
 * The configuration of a process that nobody wrote code for: the file that `MELTEMI_CONFIG` names (else
 * `meltemi.config.mjs`, `.js` or `.yaml` of the working directory, if there is one), and over it the other variables. The
 * pod's own variables say who the node is, where nothing else does. Other than in code, all protocols that come with Meltemi
 * are there unless some are named, and `control` and `lastGood` (of a control plane) are on.
 * @throws ConfigError - with every problem of the variables, by name, or of the file
 */
export async function readEnvironment(
  env: NodeJS.ProcessEnv,
  { cwd = process.cwd(), podinfo = '/etc/podinfo', warn = () => {} }: EnvironmentOptions = {},
): Promise<LoadedConfig> {
  for (const name of Object.keys(env)) tellUnknown(name, warn);
  const set = variables(env, cwd);
  const file = await configFile(env.MELTEMI_CONFIG, cwd);
  const written = file === undefined ? {} : await readNamed(file);
  const origin = file ?? 'the environment';
  if (!isObject(written)) return parseConfig(written, origin);
  const value = merged(merged({ node: await podOf(env, podinfo) }, written), set);
  const directory = file === undefined ? cwd : dirname(file);
  const config = parseConfig({ protocols: [...PROTOCOLS.keys()], control: true, ...value }, origin, directory);
  if (config.metards === undefined || 'lastGood' in value) return config;
  const lastGood = await lastGoodFolder(config, warn);
  return lastGood === undefined ? config : { ...config, lastGood };
}

/** What the variables say, as a configuration would. */
function variables(env: NodeJS.ProcessEnv, cwd: string): Record<string, unknown> {
  const set: Record<string, unknown> = {};
  for (const [name, [field, read]] of Object.entries(KEYS)) {
    const text = env[name]?.trim();
    if (text === undefined || text === '') continue;
    const value = read(text, cwd);
    if (value !== UNSAID) put(set, field.split('.'), value);
  }
  const checked = configSchema.safeParse(set);
  if (checked.success) return set;
  const problems = checked.error.issues.map(({ path, message }) => {
    const at = path.join('.');
    const name = Object.keys(KEYS).find((it) => at === KEYS[it]![0] || at.startsWith(`${KEYS[it]![0]}.`)) ?? at;
    return `${name}=${env[name]}: ${message}`;
  });
  throw new ConfigError('the environment', problems);
}

async function configFile(named: string | undefined, cwd: string): Promise<string | undefined> {
  if (named !== undefined && named !== '') return isAbsolute(named) ? named : resolve(cwd, named);
  for (const name of FILES) {
    const file = join(cwd, name);
    if (await access(file).then(yes, no)) return file;
  }
  return undefined;
}

/** @throws ConfigError - there is no such file */
async function readNamed(file: string): Promise<unknown> {
  return readConfig(file).catch((error: NodeJS.ErrnoException) => {
    if (error.syscall === undefined || (error.path ?? file) !== file) throw error;
    throw new ConfigError('the file of MELTEMI_CONFIG or --config', [`cannot be read: ${error.message}`]);
  });
}

/** In the folder of this user's control sockets: of each control plane and namespace one of its own. */
async function lastGoodFolder(
  { metards, node }: LoadedConfig,
  warn: (message: string) => void,
): Promise<string | undefined> {
  const whose = JSON.stringify([metards?.address, metards?.names, metards?.protocol, node.namespace]);
  const name = createHash('sha256').update(whose).digest('hex').slice(0, 16);
  try {
    const folder = controlFolder();
    await ownFolder(folder);
    return join(folder, `last-good-${name}`);
  } catch (error) {
    warn(`last-good rules are not kept: ${(error as Error).message}; MELTEMI_LAST_GOOD may name another folder`);
    return undefined;
  }
}

function tellUnknown(name: string, warn: (message: string) => void): void {
  if (!name.startsWith('MELTEMI_') || VARIABLES.includes(name) || OF_KUBERNETES.test(name)) return;
  const meant = nearest(name, VARIABLES);
  warn(`nothing reads ${name}${meant === undefined ? '' : `; did you mean ${meant}?`}`);
}

/** `over` wins, field by field; lists and `null` as a whole. */
function merged(under: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const all = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const before = all[key];
    all[key] = isObject(before) && isObject(value) ? merged(before, value) : value;
  }
  return all;
}

function put(target: Record<string, unknown>, [first, ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    target[first!] = value;
    return;
  }
  target[first!] ??= {};
  put(target[first!] as Record<string, unknown>, rest, value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** `app=orders,version=v1` */
function pairs(text: string): Record<string, string> {
  return Object.fromEntries(
    list(text).map((pair) => {
      const at = pair.indexOf('=');
      return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function moduleAt(name: string, cwd: string): string {
  return /^\.{1,2}\//.test(name) ? resolve(cwd, name) : name;
}

function isOn(text: string): boolean {
  return /^(1|on|true|yes)$/i.test(text);
}

function isOff(text: string): boolean {
  return /^(0|off|false|no)$/i.test(text);
}

function yes(): boolean {
  return true;
}

function no(): boolean {
  return false;
}
