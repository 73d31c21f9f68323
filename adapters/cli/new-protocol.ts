import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROTOCOLS } from '../node/protocols.js';
import { type OutputIo, readArgs, UsageError } from './io.js';
import { newProtocolFiles } from './new-protocol-files.js';

const USAGE = `meltemi new-protocol NAME [--dir FOLDER]

Writes a protocol of your own to begin with: a table of its header, a test on the codec kit, rules, and an example that
runs. The guide docs/guides/your-protocol.md goes through them.

  NAME           what it is called in port names, tcp-metaprotocol-NAME: lower-case letters and digits
  --dir FOLDER   where to write (default NAME); files that are there already are left alone

Exit code 0: written. 1: nothing was, since a file is there already or cannot be written. 2: wrong usage.
`;

/** `meltemi new-protocol`. */
export async function newProtocolCommand(args: readonly string[], { stdout, stderr }: OutputIo): Promise<number> {
  const { values, positionals } = readArgs({
    args: [...args],
    allowPositionals: true,
    options: { dir: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) {
    stdout.write(USAGE);
    return 0;
  }
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw new UsageError('which name? One');
  if (!/^[a-z][a-z0-9]*$/.test(name)) {
    throw new UsageError(`'${name}' cannot be the protocol of a port name: use lower-case letters and digits`);
  }
  if (PROTOCOLS.has(name)) throw new UsageError(`'${name}' comes with Meltemi; choose another name`);
  const folder = values.dir ?? name;
  const files = newProtocolFiles(name);
  const there = [...files.keys()].filter((file) => existsSync(join(folder, file)));
  if (there.length > 0) {
    stderr.write(`meltemi new-protocol: ${folder} has ${there.join(', ')} already; nothing was written\n`);
    return 1;
  }
  try {
    await mkdir(folder, { recursive: true });
    for (const [file, text] of files) await writeFile(join(folder, file), text, { flag: 'wx' });
  } catch (error) {
    stderr.write(`meltemi new-protocol: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
  stdout.write(`${folder}: ${[...files.keys()].join(', ')}\n`);
  stdout.write(`cd ${folder} && node --test && node example.mjs\n`);
  return 0;
}
