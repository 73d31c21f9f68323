import { createRequire } from 'node:module';
import { nearest } from '../node/nearest.js';
import { type Command, type CommandIo, isUsageError } from './io.js';

/** What there is to do; each is loaded when it is called. */
const COMMANDS: Record<string, { readonly summary: string; readonly load: () => Promise<Command> }> = {
  lint: {
    summary: 'check rules; every problem with file, line and field',
    load: async () => (await import('./lint.js')).lintCommand,
  },
  routes: {
    summary: 'the RouteConfigurations that MetaRDS would send for rules',
    load: async () => (await import('./routes.js')).routesCommand,
  },
  plan: {
    summary: 'the compiled stages of a service, with their reasons',
    load: async () => (await import('./plan.js')).planCommand,
  },
  explain: {
    summary: 'what would become of a call, and why',
    load: async () => (await import('./explain.js')).explainCommand,
  },
  status: {
    summary: 'what a running process is doing: sources, services held, clusters, circuits',
    load: async () => (await import('./status.js')).statusCommand,
  },
  sidecar: {
    summary: 'the mesh as a process of its own, beside an app',
    load: async () => (await import('./sidecar.js')).sidecarCommand,
  },
  rds: {
    summary: 'serve rules by MetaRDS: a control plane for a laptop',
    load: async () => (await import('./rds.js')).rdsCommand,
  },
  decode: {
    summary: 'the messages in recorded bytes, one a line',
    load: async () => (await import('./decode.js')).decodeCommand,
  },
  'new-protocol': {
    summary: 'begin a protocol of your own: table, test, rules, example',
    load: async () => (await import('./new-protocol.js')).newProtocolCommand,
  },
};

/** Runs a command line. @returns the exit code: 0 done, 1 problems, 2 wrong usage or unreadable input */
export async function main(args: readonly string[], io: CommandIo): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? io.stderr : io.stdout).write(usage());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-v') {
    io.stdout.write(`${version()}\n`);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const meant = nearest(name, Object.keys(COMMANDS));
    const hint = meant === undefined ? '' : `; did you mean '${meant}'?`;
    io.stderr.write(`meltemi: there is no command '${name}'${hint}\n\n${usage()}`);
    return 2;
  }
  try {
    return await (await command.load())(rest, io);
  } catch (error) {
    io.stderr.write(`meltemi ${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    return isUsageError(error) ? 2 : 1;
  }
}

/** Of the package that this file is part of, compiled or not. */
function version(): string {
  const manifest = createRequire(import.meta.url)('meltemi/package.json') as { readonly version: string };
  return manifest.version;
}

function usage(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}\n`);
  return `meltemi COMMAND [...]\n\n${lines.join('')}\n\`meltemi COMMAND --help\` tells what each takes.\n`;
}
