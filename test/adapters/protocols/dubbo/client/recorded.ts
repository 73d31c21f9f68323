import { readFileSync } from 'node:fs';

/** Entries of test/golden/dubbo, as its README describes them. */
export interface Entry {
  readonly name: string;
  readonly call: { readonly arguments: readonly unknown[]; readonly result?: unknown; readonly error?: string };
  readonly request: {
    readonly base64: string;
    readonly body: RequestBody;
    readonly offsets: { readonly attachments: number };
  };
  readonly response: {
    readonly base64: string;
    readonly header: { status: number };
    readonly body: ResponseBody;
  } | null;
}

export interface RequestBody {
  readonly dubbo: string;
  readonly path: string;
  readonly version: string;
  readonly method: string;
  readonly parameterTypes: string;
  readonly arguments: readonly Described[];
  readonly attachments: Readonly<Record<string, string>>;
}

export interface ResponseBody {
  readonly kind?: number;
  readonly value?: Described;
  readonly exception?: { readonly object: string; readonly fields: readonly [string, Described][] };
  readonly error?: string;
}

/** A value as the recording describes it. */
export type Described = null | boolean | string | Readonly<Record<string, unknown>>;

/** The recording gives these in words. That they are these is proved by the bytes they encode to. */
const LONG = new Map([
  ['0', '0123456789'.repeat(4000)],
  ['x', `${'x'.repeat(32767)}\u{1f600}${'y'.repeat(100)}`],
  ['\u5fae', '\u5fae'.repeat(40000)],
]);

export function recorded(file: string): Entry[] {
  return JSON.parse(readFileSync(`test/golden/dubbo/${file}.json`, 'utf8')) as Entry[];
}

/** A caller's value for what was on the wire, every class and type named, so that it must encode to the same bytes. */
export function asInput(described: Described, whole: unknown, numbered: unknown[] = []): unknown {
  if (described === null || typeof described !== 'object') return described;
  const [kind, content] = Object.entries(described)[0]!;
  switch (kind) {
    case 'int':
      return { $class: 'int', $: content };
    case 'long':
      return { $class: 'long', $: BigInt(content as string) };
    case 'double':
      return { $class: 'double', $: Number(content) };
    case 'date':
      return new Date(content as number);
    case 'binary':
      return Buffer.from(content as string, 'hex');
    case 'longString':
      return LONG.get((content as { utf16Length: number; head: string }).head[0]!)!;
    case 'longBinary':
      return Buffer.from(whole as string, 'hex');
    case 'ref':
      return numbered[content as number];
    case 'list': {
      const items: unknown[] = [];
      const list = described.type === undefined ? items : { $class: described.type, $: items };
      numbered.push(list);
      for (const item of content as Described[]) items.push(asInput(item, undefined, numbered));
      return list;
    }
    case 'map': {
      const entries = new Map<unknown, unknown>();
      const map = described.type === undefined ? entries : { $class: described.type, $: entries };
      numbered.push(map);
      for (const [key, value] of content as [Described, Described][]) {
        entries.set(asInput(key, undefined, numbered), asInput(value, undefined, numbered));
      }
      return map;
    }
    case 'object': {
      const fields: Record<string, unknown> = {};
      const object = { $class: content as string, $: fields };
      numbered.push(object);
      for (const [name, value] of described.fields as [string, Described][]) {
        fields[name] = asInput(value, undefined, numbered);
      }
      return object;
    }
  }
  throw new Error(`unknown description ${kind}`);
}

/** What a client must make of it: classes are dropped, as by `toEqual`. */
export function asOutput(described: Described, whole: unknown, numbered: unknown[] = []): unknown {
  if (described === null || typeof described !== 'object') return described;
  const [kind, content] = Object.entries(described)[0]!;
  switch (kind) {
    case 'int':
      return content;
    case 'long': {
      const value = BigInt(content as string);
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
    case 'double':
      return Number(content);
    case 'date':
      return new Date(content as number);
    case 'binary':
      return Buffer.from(content as string, 'hex');
    case 'longString':
      return LONG.get((content as { utf16Length: number; head: string }).head[0]!)!;
    case 'longBinary':
      return Buffer.from(whole as string, 'hex');
    case 'ref':
      return numbered[content as number];
    case 'list': {
      const items: unknown[] = [];
      numbered.push(items);
      for (const item of content as Described[]) items.push(asOutput(item, undefined, numbered));
      return items;
    }
    case 'map': {
      const pairs = content as [Described, Described][];
      if (pairs.some(([key]) => typeof key !== 'string')) {
        const map = new Map<unknown, unknown>();
        numbered.push(map);
        for (const [key, value] of pairs)
          map.set(asOutput(key, undefined, numbered), asOutput(value, undefined, numbered));
        return map;
      }
      return object(pairs as [string, Described][]);
    }
    case 'object':
      return object(described.fields as [string, Described][]);
  }
  throw new Error(`unknown description ${kind}`);

  function object(pairs: readonly [string, Described][]): unknown {
    const fields: Record<string, unknown> = {};
    numbered.push(fields);
    for (const [name, value] of pairs) fields[name] = asOutput(value, undefined, numbered);
    return fields;
  }
}

/** The single types of a method descriptor. */
export function typesOf(descriptor: string): string[] {
  return descriptor.match(/\[*(?:L[^;]+;|[ZBSIJFDC])/g) ?? [];
}
