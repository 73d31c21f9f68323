/**
 * YAML into plain values with positions. Bounded before anything is built: size, number of documents, nesting (counted
 * on the token tree, without recursion) and alias expansions, so that a hostile file costs an error and no more.
 */
import { Composer, CST, type Document, isCollection, isNode, isPair, LineCounter, type Node, Parser } from 'yaml';
import { messageOf, type Path, type Place, type Problem } from './problem.js';

/** What a file may cost. */
export interface YamlLimits {
  /** UTF-16 units. @defaultValue 16 Mi */
  readonly maxLength: number;
  /** @defaultValue 50,000 */
  readonly maxDocuments: number;
  /** Levels of maps and lists. @defaultValue 64: Istio's deepest objects need about 15 */
  readonly maxDepth: number;
  /** Values that aliases may stand for, in a document. @defaultValue 1,000 */
  readonly maxAliases: number;
}

export const YAML_LIMITS: YamlLimits = { maxLength: 2 ** 24, maxDocuments: 50_000, maxDepth: 64, maxAliases: 1_000 };

export interface YamlDocument {
  readonly value: unknown;
  readonly place: Place;
}

/** All documents of a text; those with syntax errors are missing and told in `problems`. Never throws. */
export function readYaml(
  text: string,
  file: string,
  limits: YamlLimits = YAML_LIMITS,
): { readonly documents: readonly YamlDocument[]; readonly problems: readonly Problem[] } {
  const lines = new LineCounter();
  const problems: Problem[] = [];
  const complain = (offset: number, message: string) => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    problems.push({
      severity: 'error',
      file,
      line: Math.max(line, 1),
      column: Math.max(col, 1),
      object: '',
      field: '',
      message,
    });
  };
  if (text.length > limits.maxLength) {
    complain(0, `the file is over ${limits.maxLength} characters; split it`);
    return { documents: [], problems };
  }

  const composer = new Composer({ merge: true, prettyErrors: false, logLevel: 'error' });
  /** Token by token, so that the token tree of a document is gone before the next one's is built. */
  function* compose(): Iterable<Document.Parsed> {
    for (const token of new Parser(lines.addNewLine).parse(text)) {
      const tooDeep = offsetBeyondDepth(token, limits.maxDepth);
      if (tooDeep >= 0) {
        complain(tooDeep, `nested deeper than ${limits.maxDepth} levels; no rule needs that`);
        return;
      }
      yield* composer.next(token) as Iterable<Document.Parsed>;
    }
    yield* composer.end(false) as Iterable<Document.Parsed>;
  }

  const documents: YamlDocument[] = [];
  let count = 0;
  for (const document of compose()) {
    if (++count > limits.maxDocuments) {
      complain(startOf(document), `more than ${limits.maxDocuments} documents; split the file`);
      break;
    }
    for (const error of document.errors) complain(error.pos[0], `not valid YAML: ${error.message}`);
    if (document.errors.length > 0 || document.contents === null) continue;
    try {
      const value: unknown = document.toJS({ maxAliasCount: limits.maxAliases });
      if (value !== null) documents.push({ value, place: placeOf(document, file, lines) });
    } catch (error) {
      complain(startOf(document), `not usable YAML: ${messageOf(error)}`);
    }
  }
  return { documents, problems };
}

/** Where its content begins, not its `---`. */
function startOf(document: Document.Parsed): number {
  return document.contents?.range[0] ?? document.range[0];
}

/** Offset of the first token deeper than `max`, or -1. */
function offsetBeyondDepth(root: CST.Token, max: number): number {
  const pending: { token: CST.Token; depth: number }[] = [{ token: root, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { token, depth } = next;
    if (token.type === 'document') {
      if (token.value !== undefined) pending.push({ token: token.value, depth });
    } else if (CST.isCollection(token)) {
      if (depth >= max) return token.offset;
      for (const item of token.items) {
        if (item.key) pending.push({ token: item.key, depth: depth + 1 });
        if (item.value !== undefined) pending.push({ token: item.value, depth: depth + 1 });
      }
    }
  }
  return -1;
}

function placeOf(document: Document.Parsed, file: string, lines: LineCounter): Place {
  return {
    file,
    locate(path) {
      const { line, col } = lines.linePos(offsetOf(document.contents, path));
      return { line, column: col };
    },
  };
}

/** Offset of the key, or of the list item, that a path leads to; as far as it was written. */
function offsetOf(contents: Node | null, path: Path): number {
  let node = contents;
  let offset = contents?.range?.[0] ?? 0;
  for (const part of path) {
    if (!isCollection(node)) break;
    let next: unknown;
    if (typeof part === 'number') {
      next = node.items[part];
      if (isNode(next)) offset = next.range?.[0] ?? offset;
    } else {
      const pair = node.items.find((item) => isPair(item) && sameKey(item.key, String(part)));
      if (!isPair(pair)) break;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      next = pair.value;
    }
    if (!isNode(next)) break;
    node = next;
  }
  return offset;
}

/** Fields may be written in protobuf's snake_case. */
function sameKey(key: unknown, name: string): boolean {
  const written = isNode(key) && 'value' in key ? String(key.value) : undefined;
  return written === name || (written !== undefined && camelCase(written) === name);
}

/** `http_header_name` → `httpHeaderName` */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
