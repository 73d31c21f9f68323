/**
 * Last-good rules as text: JSON by lines. A header, a rule each line, and a line with the SHA-256 of all bytes before it,
 * so that half a file, a changed one or one of another kind is told from a whole one. Numbers that JSON has not, whole
 * ones of 64 bits and infinity, are strings; the shapes know where.
 */
import { createHash, type Hash } from 'node:crypto';
import type { RuleUpsert } from '../model.js';
import type { StoredRules } from './last-good.js';
import { upsert } from './rule-shapes.js';
import { literal, maybe, number, object, string } from './shape.js';

/** Goes up when what an older version wrote would be misread. Fields that come and go need nothing: shapes tell. */
const FORMAT = 1;
/** Characters that are made in one go, about a millisecond's worth. */
const PIECE = 64 * 1024;

interface Header {
  readonly file: 'meltemi-last-good';
  readonly format: number;
  readonly source: string;
  readonly version: string | undefined;
  readonly savedAt: number;
  readonly rules: number;
}

const header = object<Header>({
  file: literal('meltemi-last-good'),
  format: number,
  source: string,
  version: maybe(string),
  savedAt: number,
  rules: number,
});

/** The text in pieces, so that calls are served between them. */
export function* encode(source: string, { version, savedAt, rules }: StoredRules): Generator<Buffer> {
  const hash = createHash('sha256');
  const head: Header = { file: 'meltemi-last-good', format: FORMAT, source, version, savedAt, rules: rules.length };
  let text = `${JSON.stringify(head)}\n`;
  for (const rule of rules) {
    for (const part of parts(rule)) {
      text += part;
      if (text.length < PIECE) continue;
      yield hashed(text, hash);
      text = '';
    }
    text += '\n';
  }
  yield hashed(text, hash);
  yield Buffer.from(`${JSON.stringify({ sha256: hash.digest('hex') })}\n`);
}

/** @throws Error - it is not what {@link encode} made for this source, with the reason */
export function decode(source: string, bytes: Buffer): StoredRules {
  const end = bytes.lastIndexOf('\n', bytes.length - 2) + 1;
  const first = JSON.parse(bytes.toString('utf8', 0, Math.max(0, bytes.indexOf('\n')))) as Partial<Header> | null;
  if (first?.format !== FORMAT) throw new Error(`it is of format ${first?.format}, and this version reads ${FORMAT}`);
  const sum = createHash('sha256').update(bytes.subarray(0, end)).digest('hex');
  if (bytes.toString('utf8', end) !== `${JSON.stringify({ sha256: sum })}\n`) throw new Error('its checksum is wrong');
  const [, ...lines] = bytes.toString('utf8', 0, end - 1).split('\n');
  const { version, savedAt, ...said } = header(first);
  if (said.source !== source) throw new Error(`it is of the source '${said.source}'`);
  if (said.rules !== lines.length) throw new Error(`it has ${lines.length} rules, and should have ${said.rules}`);
  return { version, savedAt, rules: lines.map(decodeRule) };
}

function decodeRule(line: string, index: number): RuleUpsert {
  try {
    return upsert(JSON.parse(line));
  } catch (error) {
    throw new Error(`rule ${index + 1}: ${(error as Error).message}`);
  }
}

/** Endpoints one by one: there may be 20,000 in a rule. */
function* parts({ kind, rule }: RuleUpsert): Generator<string> {
  if (kind !== 'endpoints') {
    yield JSON.stringify({ kind, rule }, asString);
    return;
  }
  const { endpoints, ...rest } = rule;
  yield `{"kind":"endpoints","rule":{"endpoints":[`;
  for (const [i, endpoint] of endpoints.entries()) yield (i === 0 ? '' : ',') + JSON.stringify(endpoint, asString);
  yield `],${JSON.stringify(rest, asString).slice(1)}}`;
}

function asString(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' || value === Number.POSITIVE_INFINITY ? String(value) : value;
}

function hashed(text: string, hash: Hash): Buffer {
  const bytes = Buffer.from(text);
  hash.update(bytes);
  return bytes;
}
