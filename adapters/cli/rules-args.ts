import { type OutputIo, readArgs } from './io.js';

/**
 * The arguments of a command that reads rules: paths and `--json`. A number is the exit code of a command that is done:
 * 0 after `--help`, 2 after wrong usage.
 */
export function rulesArgs(
  name: string,
  help: string,
  args: readonly string[],
  io: OutputIo,
): { readonly paths: readonly string[]; readonly json: boolean } | number {
  try {
    const { values, positionals } = readArgs({
      args: [...args],
      options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
      allowPositionals: true,
    });
    if (values.help) {
      io.stdout.write(help);
      return 0;
    }
    if (positionals.length === 0) throw new Error('which rules? Name files or folders');
    return { paths: positionals, json: values.json };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    io.stderr.write(`meltemi ${name}: ${message}\n`);
    return 2;
  }
}
