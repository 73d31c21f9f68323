import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import {
  ByteQueue,
  formatWireId,
  type Message,
  type Protocol,
  ProtocolError,
  type Side,
} from '../../src/message/index.js';
import { PROTOCOLS } from '../node/protocols.js';
import { type CommandIo, readArgs } from './io.js';

/** Limits protect a mesh; what was recorded may be as long as any protocol can say. */
const MAX_RECORDED_BYTES = 2 ** 31;

/** What is wrong with how the command was called, or with what it read. One line for people. */
class DecodeProblem extends Error {}

/**
 * `meltemi decode PROTOCOL [FILE|-] [--json] [--from client|server]`: one line a message, as it becomes complete. Reads
 * one direction of a connection, from its first byte.
 * @returns exit code: 0, or 2 with one line on stderr: wrong usage, unreadable file, bytes that are no such protocol, or an
 * end inside a message. What came before it has been printed.
 */
export async function decodeCommand(
  args: readonly string[],
  io: CommandIo,
  protocols: typeof PROTOCOLS = PROTOCOLS,
): Promise<number> {
  try {
    const { values, positionals } = parsed(args);
    if (values.help) {
      io.stdout.write(usage(protocols));
      return 0;
    }
    const [name, file = '-', ...more] = positionals;
    if (name === undefined) throw new DecodeProblem(`which protocol? One of: ${[...protocols.keys()].join(', ')}`);
    if (more.length > 0) throw new DecodeProblem(`takes one file, not also ${more[0]}`);
    const protocol = await protocolOf(name, protocols);
    const input = file === '-' ? io.stdin : createReadStream(file);
    await decodeAll(input, protocol, sideOf(values.from), values.json ? asJson : asText, io.stdout);
    return 0;
  } catch (error) {
    if (!(error instanceof DecodeProblem) && !isSystemError(error)) throw error;
    io.stderr.write(`meltemi decode: ${error.message}\n`);
    return 2;
  }
}

/** One of ours by name, or anybody's by the path of a module. */
async function protocolOf(name: string, protocols: typeof PROTOCOLS): Promise<Protocol> {
  const load = protocols.get(name);
  if (load !== undefined) return load();
  if (!/^\.{0,2}\//.test(name)) {
    throw new DecodeProblem(
      `knows no protocol ${name}. One of: ${[...protocols.keys()].join(', ')}, or ./a-module.mjs`,
    );
  }
  try {
    const module = (await import(pathToFileURL(resolve(name)).href)) as { readonly default?: Protocol };
    if (typeof module.default?.open === 'function') return module.default;
  } catch (error) {
    throw new DecodeProblem(`cannot load ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw new DecodeProblem(`${name} has no Protocol for its default export`);
}

function usage(protocols: typeof PROTOCOLS): string {
  return `meltemi decode PROTOCOL [FILE|-] [--json] [--from client|server]

Prints one line for each message in FILE, or in standard input, as it becomes complete.

  PROTOCOL   one of: ${[...protocols.keys()].join(', ')}; or the path of a module
             whose default export is one, such as ./protocol.mjs
  FILE       one direction of a connection, from its first byte; - or nothing: standard input
  --json     {kind, id, operation, attributes, status?, bytes} a line; bytes is the message's size
  --from     who sent the bytes: client (default) or server; protocols whose messages tell it themselves don't mind

Exit code 2, with a line on standard error: the bytes are not of this protocol, or end inside a message.
`;
}

function parsed(args: readonly string[]) {
  try {
    return readArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        from: { type: 'string', default: 'client' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new DecodeProblem(error instanceof Error ? error.message : String(error));
  }
}

function sideOf(from: string): Side {
  if (from === 'client') return 'downstream';
  if (from === 'server') return 'upstream';
  throw new DecodeProblem(`--from is client or server, not ${from}`);
}

async function decodeAll(
  input: AsyncIterable<Buffer | string>,
  protocol: Protocol,
  side: Side,
  line: (message: Message, protocol: Protocol) => string,
  output: Writable,
): Promise<void> {
  const codec = protocol.open(side, { maxMessageBytes: MAX_RECORDED_BYTES });
  const queue = new ByteQueue();
  let at = 0;
  try {
    for await (const chunk of input) {
      queue.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
      for (let message = codec.decode(queue); message !== null; message = codec.decode(queue)) {
        at += message.size;
        if (!output.write(`${line(message, protocol)}\n`)) await once(output, 'drain');
      }
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new DecodeProblem(`${protocol.name}: the message at byte ${at}: ${error.message}`);
  }
  if (queue.length > 0) {
    throw new DecodeProblem(
      `${protocol.name}: the input ends inside the message at byte ${at}, after ${queue.length} of its bytes`,
    );
  }
}

/** Scripts rely on the words: an end of one direction of a stream has no word of its own among them. */
function kindOf({ kind }: Message): string {
  return kind === 'stream-end' ? 'stream-close' : kind;
}

function asJson(message: Message, protocol: Protocol): string {
  const { operation, status, size } = message;
  const kind = kindOf(message);
  const attributes = Object.fromEntries(attributesOf(message));
  const id = (protocol.formatId ?? formatWireId)(message);
  return JSON.stringify({ kind, id, operation, attributes, ...(status !== undefined && { status }), bytes: size });
}

function asText(message: Message, protocol: Protocol): string {
  const parts = [kindOf(message).padEnd(9), (protocol.formatId ?? formatWireId)(message)];
  if (message.operation !== '') parts.push(message.operation);
  if (message.status !== undefined) parts.push(`status=${message.status}`);
  for (const [key, value] of attributesOf(message))
    parts.push(`${key}=${/^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value)}`);
  return `${parts.join(' ')} (${message.size} bytes)`;
}

function* attributesOf(message: Message): Generator<[string, string]> {
  for (const key of message.keys()) {
    const value = message.get(key);
    if (value !== undefined) yield [key, value];
  }
}

/** A file that is not there, or may not be read. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return typeof (error as NodeJS.ErrnoException | null)?.syscall === 'string';
}
