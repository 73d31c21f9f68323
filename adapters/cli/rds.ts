import { readFile } from 'node:fs/promises';
import { fileSource } from '../sources/file/index.js';
import type { MetaRdsServerTls } from '../sources/metards/server/index.js';
import { type OutputIo, readArgs, UsageError } from './io.js';
import { tellJson, tellPeople } from './rds-report.js';

const HELP = `meltemi rds RULES... [--listen HOST:PORT] [--tls-cert FILE --tls-key FILE --tls-ca FILE] [--json]

Serves the routes of these rules by MetaRDS, as Aeraki would: a control plane for a laptop. It runs until it is
interrupted. The files are watched; each change is a new version, pushed to all who subscribe. Rules that cannot be used
are named, and the last good ones are served on.
RULES are YAML files, and folders that are walked for .yaml, .yml and .json.

  --listen HOST:PORT  where (default 127.0.0.1:15010); port 0: any that is free
  --tls-cert FILE     PEM, with --tls-key and --tls-ca: mutual TLS, for clients whose certificate --tls-ca has signed.
  --tls-key FILE      Without them plain text, and then
  --tls-ca FILE
  --exposed           ... only with this to other machines than this one
  --debounce MS       how long nothing must have changed before a version is pushed (default 50, as recorded 1000).
                      0: at once; then replace files by renaming, as they are read half written
  --as-recorded       with the quirks of Aeraki's own server: versions are seconds, new nodes wait for the next push and
                      cause it, refused versions are sent again without end, and more (docs/control-plane.md)
  --json              an object a line, beginning with where it listens

Exit codes: 0 when interrupted, 1 if the rules cannot be used or it cannot listen, 2 for wrong usage.
`;

const OPTIONS = {
  listen: { type: 'string', default: '127.0.0.1:15010' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'tls-ca': { type: 'string' },
  exposed: { type: 'boolean', default: false },
  debounce: { type: 'string' },
  'as-recorded': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** A file is read once it has been the same for so long, in ms, if nothing shorter is asked for. */
const SETTLE_MS = 50;

/**
 * `meltemi rds`.
 * @param interrupted - resolves when it shall end
 * @returns the exit code
 */
export async function rdsCommand(
  args: readonly string[],
  io: OutputIo,
  interrupted: () => Promise<void> = signalled,
): Promise<number> {
  const { values, positionals: paths } = readArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  if (values.help) {
    io.stdout.write(HELP);
    return 0;
  }
  if (paths.length === 0) throw new UsageError('which rules? Name files or folders');
  const [, host = '127.0.0.1', port] = /^(?:\[?([^[\]]+)\]?:)?(\d{1,5})$/.exec(values.listen) ?? [];
  if (port === undefined || Number(port) > 65_535) throw new UsageError(`--listen ${values.listen}: write HOST:PORT`);
  if (values.debounce !== undefined && !/^\d{1,6}$/.test(values.debounce)) {
    throw new UsageError(`--debounce ${values.debounce}: write a number of milliseconds`);
  }
  const tls = await tlsOf(values['tls-cert'], values['tls-key'], values['tls-ca']);

  const { AS_RECORDED, serveMetaRds } = await loadServer();
  const quirks = values['as-recorded'] ? AS_RECORDED : { debounceMs: SETTLE_MS };
  const debounceMs = values.debounce === undefined ? quirks.debounceMs : Number(values.debounce);
  const at = { host, port: Number(port), exposed: values.exposed, ...(tls === undefined ? {} : { tls }) };
  const server = await serveMetaRds({ ...quirks, debounceMs, ...at });
  const end = interrupted();
  try {
    const tell = values.json ? tellJson(io) : tellPeople(io);
    tell({ type: 'listening', ready: true, host, port: server.port, tls: tls !== undefined });
    server.events.subscribe(tell);
    await server.follow(fileSource({ paths, settleMs: Math.min(debounceMs, SETTLE_MS) }));
    await end;
  } finally {
    await server.close();
  }
  return 0;
}

/** Its packages are optional peers. */
async function loadServer() {
  try {
    const { logVerbosity, setLogVerbosity } = await import('@grpc/grpc-js');
    setLogVerbosity(logVerbosity.NONE); // what it would write, it also throws
    return await import('../sources/metards/server/index.js');
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(`it needs @grpc/grpc-js and @bufbuild/protobuf; install them: ${(error as Error).message}`);
  }
}

async function tlsOf(
  cert: string | undefined,
  key: string | undefined,
  ca: string | undefined,
): Promise<MetaRdsServerTls | undefined> {
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined || ca === undefined) {
    throw new UsageError('TLS needs all of --tls-cert, --tls-key and --tls-ca');
  }
  const [certPem, keyPem, caPem] = await Promise.all([cert, key, ca].map((file) => readFile(file)));
  return { cert: certPem!, key: keyPem!, ca: caPem! };
}

/** Resolves at the first SIGINT or SIGTERM. The second does what it does by default. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      process.off('SIGINT', end).off('SIGTERM', end);
      resolve();
    };
    process.on('SIGINT', end).on('SIGTERM', end);
  });
}
