import { readFile, stat } from 'node:fs/promises';
import { dirname, extname, isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { nearest } from './nearest.js';

/**
 * The one schema of Meltemi's configuration, in code or in `meltemi.config.mjs` / `.yaml`: what the command line, the
 * preload and the sidecar read too.
 */

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** How long something may be ago. */
const age = z
  .union([z.number().nonnegative(), z.string().regex(/^\d+(\.\d+)?(ms|s|m|h)$/, 'a duration such as 250ms or 10s')])
  .transform((value) => {
    if (typeof value === 'number') return value;
    const unit = value.endsWith('ms') ? 'ms' : value.slice(-1);
    return Number(value.slice(0, -unit.length)) * UNITS[unit]!;
  });

/** Of what Node's timers take: over 2^31 - 1 ms they fire at once. */
const LONGEST_MS = 24 * 24 * UNITS.h!;

/** How long a timer runs. */
const duration = age.refine((ms) => ms <= LONGEST_MS, 'at most 24 days, which is 576h');

const positive = z.number().int().positive();

const port = z.number().int().min(1).max(65_535);
/** Where a tool listens: 0 is any that is free. */
const anyPort = z.number().int().min(0).max(65_535);

const placement = z.enum(['auto', 'in-process', 'sidecar']);

/** Of two services on one port each call would be the first one's. */
function haveOwnPorts(ports: Readonly<Record<string, number>>, context: z.RefinementCtx): void {
  const taken = new Map<number, string>();
  for (const [service, port] of Object.entries(ports)) {
    const other = taken.get(port);
    if (other !== undefined) {
      context.addIssue({ code: 'custom', path: [service], message: `${port} stands for ${other} already` });
    }
    if (port !== 0) taken.set(port, service);
  }
}

const service = z.string().regex(/^.+:\d{1,5}$/, '<host>:<port>');

export const configSchema = z.strictObject({
  rules: z
    .union([z.string(), z.array(z.string())])
    .transform((value) => (typeof value === 'string' ? [value] : value))
    .default([])
    .describe('Files and folders of Kubernetes YAML, watched. Relative to the configuration file.'),
  watch: z.boolean().default(true).describe('Follow changes of the rules.'),
  metards: z
    .strictObject({
      address: z.string().describe('`<host>:<port>` of Aeraki.'),
      names: z
        .union([z.enum(['all', 'used']), z.array(z.string()).min(1)])
        .optional()
        .describe('Whose routes to ask for: of all services, of those in use, or of these `<host>_<port>`.'),
      protocol: z
        .string()
        .optional()
        .describe('What services speak that have routes and no description; without it these routes wait for one.'),
      tls: z
        .strictObject({
          ca: z.string().optional(),
          cert: z.string().optional(),
          key: z.string().optional(),
          verify: z.enum(['name', 'chain']).optional(),
          serverName: z.string().optional(),
        })
        .optional()
        .describe('Certificates are PEM, or files relative to the configuration file, read for each connection.'),
      maxMessageBytes: positive.optional(),
      keepAlive: duration.optional(),
      reconnectBase: duration.optional(),
      reconnectMax: duration.optional(),
    })
    .refine(({ names, protocol }) => names !== 'used' || protocol === undefined, {
      path: ['protocol'],
      message:
        'is of services that nobody describes, and names: used asks for services that are described; leave out one',
    })
    .optional()
    .describe("Routes from Aeraki's control plane."),
  protocols: z
    .array(z.string())
    .default(['dubbo'])
    .describe('Names of the protocols that come with Meltemi, or modules whose default export is a Protocol.'),
  interceptors: z
    .array(z.string())
    .default([])
    .describe('Modules whose default export is an Interceptor, or a list of them.'),
  node: z
    .strictObject({
      id: z.string().optional(),
      namespace: z.string().optional(),
      labels: z.record(z.string(), z.string()).optional(),
      addresses: z.array(z.string()).optional(),
      locality: z.string().optional(),
    })
    .default({})
    .describe('Who this process is.'),
  mode: z.enum(['enforce', 'observe']).default('enforce'),
  initialTimeout: duration.default(10_000).describe('How long calls are held at the start until rules are there.'),
  onNoRules: z.enum(['default-route', 'direct', 'fail']).default('default-route'),
  maxStale: age.optional().describe('How old last-good rules may become while there is a sidecar.'),
  placement: z
    .union([placement, z.record(service.or(z.literal('*')), placement)], {
      error: 'auto, in-process or sidecar; or one of these by <host>:<port>, with * for the others',
    })
    .default('auto')
    .describe('Where calls go: for all services, or by `<host>:<port>` with `*` for the others.'),
  sidecar: z
    .strictObject({
      captures: z
        .enum(['auto', 'none', 'services', 'all'])
        .default('auto')
        .describe('Which connections of this process its proxy captures; `auto`: all, if one is found.'),
      ports: z
        .record(service, port)
        .default({})
        .describe('Loopback ports of the sidecar that stand for services, by `<host>:<port>`.'),
    })
    .prefault({})
    .describe('The proxy beside this process.'),
  fallBack: z
    .strictObject({ lasts: duration.default(60_000), healthy: duration.default(30_000) })
    .prefault({})
    .describe('How long a fall-back to the sidecar lasts at least, and after how long of health it ends.'),
  connections: z
    .strictObject({
      pool: z
        .strictObject({
          maxConnections: positive,
          maxInFlight: positive,
          maxPending: positive,
          connectTimeoutMs: positive,
          backoffBaseMs: positive,
          backoffMaxMs: positive,
          readSilenceMs: positive,
          heartbeatMs: positive,
          idleMs: positive,
          maxTombstoneMs: positive,
          drainTimeoutMs: positive,
          maxMessageBytes: positive,
        })
        .partial()
        .optional(),
      downstream: z
        .strictObject({
          maxInFlight: positive,
          maxRequestBytes: positive,
          maxReplyBytes: positive,
          maxMessageBytes: positive,
        })
        .partial()
        .optional(),
      maxHeldBytes: positive.optional(),
    })
    .default({})
    .describe('Bounds of upstream pools and of downstream connections.'),
  listeners: z
    .strictObject({
      outbound: z
        .strictObject({
          ports: z
            .record(service, anyPort)
            .superRefine(haveOwnPorts)
            .default({})
            .describe('Ports that stand for services, by `<host>:<port>`; 0: any that is free.'),
          vip: z.boolean().default(false).describe("Listen on the services' own addresses and ports, too."),
          host: z.string().default('127.0.0.1').describe('Of the ports that stand for services.'),
        })
        .prefault({})
        .describe('For calls of the app.'),
      inbound: z
        .array(
          z.strictObject({
            port: anyPort,
            host: z.string().default('0.0.0.0'),
            forward: z.strictObject({ host: z.string().default('127.0.0.1'), port }).describe("The app's own port."),
            service: service.optional().describe('Whose rules hold; without it the one that this workload serves.'),
            protocol: z
              .union([z.string(), z.array(z.string()).min(1)])
              .optional()
              .describe("What is spoken; of several, each client's first bytes tell."),
          }),
        )
        .default([])
        .describe('For calls to the app.'),
      health: z
        .strictObject({ host: z.string().default('127.0.0.1'), port: anyPort.default(15_022) })
        .prefault({})
        .describe('HTTP: `/healthz/ready`, `/healthz/live`.'),
    })
    .prefault({})
    .describe('What `meltemi sidecar` listens to.'),
  shutdown: z
    .strictObject({ grace: duration.default(5000), drain: duration.default(20_000) })
    .prefault({})
    .describe(
      'How `meltemi sidecar` ends: how long it takes connections while it is not ready, then serves those it has.',
    ),
  workers: positive
    .max(256)
    .default(1)
    .describe('Processes that share the limits of rules; `meltemi sidecar` runs as many.'),
  lastGood: z
    .string()
    .optional()
    .describe('A folder where good rules of control planes outlive the process. Relative to the configuration file.'),
  control: z
    .union([z.boolean(), z.string()])
    .default(false)
    .describe('A socket of this user alone, on which `meltemi status` asks; or its path.'),
  accessLog: z
    .strictObject({
      path: z.string().default('stdout').describe('`stdout`, `stderr` or a file.'),
      format: z
        .union([z.string(), z.record(z.string(), z.string())])
        .optional()
        .describe("A line with Envoy's operators, or an object of such texts for lines of JSON."),
    })
    .optional(),
});

/** Configuration as written: everything has a default. */
export type MeshConfig = z.input<typeof configSchema>;
/** Configuration with its defaults filled in, durations in ms. */
export type LoadedConfig = z.output<typeof configSchema> & {
  /** What relative paths are relative to. */
  readonly directory: string;
};

/** A configuration that says something it can't: every problem, with its field. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(
    readonly origin: string,
    readonly problems: readonly string[],
  ) {
    super(`${origin}: ${problems.join('; ')}`);
  }
}

/**
 * Checks a configuration and fills in defaults.
 * @param origin - where it was written, for errors
 * @throws {@link ConfigError} - with all problems at once
 */
export function parseConfig(
  value: unknown,
  origin = 'the configuration given',
  directory = process.cwd(),
): LoadedConfig {
  // Parsed once: generated code would take longer than it saves.
  const parsed = configSchema.safeParse(value ?? {}, { jitless: true });
  if (parsed.success) return { ...parsed.data, directory };
  throw new ConfigError(
    origin,
    parsed.error.issues.map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}${knownKeys(issue)}`),
  );
}

/** What may stand where something unknown does. */
function knownKeys(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return `: ${issue.issues.map(({ message }) => message).join(', ')}`;
  if (issue.code !== 'unrecognized_keys') return '';
  let schema: unknown = configSchema;
  for (const part of ['', ...issue.path]) {
    if (part !== '') schema = (schema as z.ZodObject).shape[String(part)];
    while (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
      schema = schema.unwrap();
    }
    if (!(schema instanceof z.ZodObject)) return '';
  }
  const known = Object.keys((schema as z.ZodObject).shape);
  const meant = issue.keys.flatMap((key) => nearest(key, known) ?? []);
  const hint = meant.length === 0 ? '' : `; did you mean ${meant.join(', ')}?`;
  return `; it may have ${known.join(', ')}${hint}`;
}

/** @param path - a `.mjs` or `.js` module with a default export, or a `.yaml` file. */
export async function loadConfig(path: string): Promise<LoadedConfig> {
  const file = isAbsolute(path) ? path : resolve(path);
  return parseConfig(await readConfig(file), path, dirname(file));
}

/** What a file says, unchecked. @throws ConfigError - it is no module with a default export, or no YAML */
export async function readConfig(file: string): Promise<unknown> {
  if (['.mjs', '.js'].includes(extname(file))) {
    const { href } = pathToFileURL(file);
    // A module is read once by its name, and a changed configuration is to be read again.
    const module = (await import(`${href}?${(await stat(file)).mtimeMs}`)) as { default?: unknown };
    if (module.default === undefined) throw new ConfigError(file, ['has no default export']);
    return module.default;
  }
  const { parseDocument } = await import('yaml'); // most processes are configured in code
  const document = parseDocument(await readFile(file, 'utf8'));
  if (document.errors.length > 0)
    throw new ConfigError(
      file,
      document.errors.map((error) => error.message),
    );
  return document.toJS({ maxAliasCount: 100 });
}
