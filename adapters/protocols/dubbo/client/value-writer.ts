import hessian from 'hessian.js';
import { inferredType, isInt, type JavaType, javaType } from './java-type.js';

/**
 * JavaScript values as Hessian 2, by their Java types. Scalars and strings are hessian.js's; objects, lists and maps are
 * written here, because it gives all objects of a class the fields of the first, turns NaN into null, and knows neither
 * bigint nor Set. As in Java, lists, maps and objects are numbered as they begin, and one that was written is referred to.
 */
export class ValueWriter {
  #out = new hessian.EncoderV2({ size: INITIAL_BYTES });
  readonly #written = new Map<object, { readonly number: number; readonly wire: string }>();
  readonly #classes = new Map<string, number>();
  #next = 0;

  /** Begins anew with `head`, as it is. */
  begin(head: Buffer): void {
    this.#written.clear();
    this.#classes.clear();
    this.#next = 0;
    this.#out.reset();
    this.#out.byteBuffer.put(head);
  }

  /** A copy of all that was written since {@link begin}. */
  end(): Buffer {
    const bytes = this.#out.get();
    this.#written.clear();
    if (bytes.length > KEEP_UP_TO) this.#out = new hessian.EncoderV2({ size: INITIAL_BYTES });
    return bytes;
  }

  raw(bytes: Buffer): void {
    this.#out.byteBuffer.put(bytes);
  }

  string(value: string): void {
    this.#out.writeString(value);
  }

  /** A map of strings is begun with `head`, and takes a number, though nobody will refer to it. */
  beginMap(head: Buffer): void {
    this.#next++;
    this.#out.byteBuffer.put(head);
  }

  endMap(): void {
    this.#out.byteBuffer.put(END);
  }

  /** @throws TypeError - the value is none of that type. */
  write(value: unknown, type: JavaType): void {
    const out = this.#out;
    if (value === null || value === undefined) {
      if (type.primitive) throw new TypeError(`expected ${type.name}, got ${value}`);
      out.writeNull();
      return;
    }
    if (isWrapped(value)) {
      this.write(value.$, javaType(value.$class));
      return;
    }
    switch (type.kind) {
      case 'any':
        this.#infer(value);
        return;
      case 'boolean':
        out.writeBool(typeof value === 'boolean' ? value : mismatch(value, type));
        return;
      case 'int':
        out.writeInt(int(value, type));
        return;
      case 'long':
        out.writeLong(long(value, type));
        return;
      case 'double':
        out.writeDouble(typeof value === 'number' ? value : mismatch(value, type));
        return;
      case 'string':
        out.writeString(typeof value === 'string' ? value : mismatch(value, type));
        return;
      case 'date':
        out.writeDate(value instanceof Date && !Number.isNaN(value.getTime()) ? value : mismatch(value, type));
        return;
      case 'bytes':
        out.writeBytes(value instanceof Uint8Array ? asBuffer(value) : mismatch(value, type));
        return;
      case 'array':
      case 'list':
        this.#list(value, type);
        return;
      case 'map':
        this.#map(value, type);
        return;
      case 'text':
        this.#object(typeof value === 'object' ? value : { value: String(value) }, type);
        return;
      case 'object':
        if (Array.isArray(value) || value instanceof Set) this.#list(value, type);
        else if (value instanceof Map) this.#map(value, type);
        else this.#object(typeof value === 'string' ? enumConstant(value, type) : value, type);
        return;
    }
  }

  #infer(value: NonNullable<unknown>): void {
    const type = inferredType(value);
    if (type.kind === 'any') this.#map(value, javaType('java.util.Map'));
    else this.write(value, type);
  }

  #list(value: unknown, type: JavaType): void {
    const items = Array.isArray(value) ? value : value instanceof Set ? [...value] : mismatch(value, type);
    if (this.#refer(value as object, type)) return;
    const out = this.#out;
    const short = items.length < 8;
    if (type.wire === '') {
      out.byteBuffer.put(short ? 0x78 + items.length : 0x58);
    } else {
      out.byteBuffer.put(short ? 0x70 + items.length : 0x56);
      out.writeType(type.wire);
    }
    if (!short) out.writeInt(items.length);
    const element = type.element ?? ANY;
    for (const item of items) this.write(item, element);
  }

  #map(value: unknown, type: JavaType): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
      mismatch(value, type);
    }
    if (this.#refer(value, type)) return;
    const out = this.#out;
    if (type.wire === '') {
      out.byteBuffer.put(0x48);
    } else {
      out.byteBuffer.put(0x4d);
      out.writeType(type.wire);
    }
    for (const [key, item] of value instanceof Map ? value : Object.entries(value)) {
      this.write(key, ANY);
      this.write(item, ANY);
    }
    out.byteBuffer.put(END);
  }

  #object(value: unknown, type: JavaType): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) mismatch(value, type);
    if (this.#refer(value, type)) return;
    const out = this.#out;
    const fields = Object.keys(value);
    const definition = `${type.wire}\n${fields.join('\n')}`;
    let number = this.#classes.get(definition);
    if (number === undefined) {
      number = this.#classes.size;
      this.#classes.set(definition, number);
      out.byteBuffer.put(0x43);
      out.writeString(type.wire);
      out.writeInt(fields.length);
      for (const field of fields) out.writeString(field);
    }
    if (number < 16) {
      out.byteBuffer.put(0x60 + number);
    } else {
      out.byteBuffer.put(0x4f);
      out.writeInt(number);
    }
    for (const field of fields) this.write((value as Record<string, unknown>)[field], ANY);
  }

  /** Numbers the value; or, if it was written as the same type before, refers to it. */
  #refer(value: object, type: JavaType): boolean {
    const before = this.#written.get(value);
    if (before !== undefined && before.wire === type.wire) {
      this.#out.writeRef(before.number);
      return true;
    }
    this.#written.set(value, { number: this.#next++, wire: type.wire });
    return false;
  }
}

const INITIAL_BYTES = 1024;
/** One large call should not hold its memory for ever. */
const KEEP_UP_TO = 256 * 1024;
const END = 0x5a;
const ANY = javaType('java.lang.Object');

/** `{ $class, $ }`, as js-to-java makes them: a value that names its own type. */
function isWrapped(value: NonNullable<unknown>): value is { $class: string; $: unknown } {
  return typeof value === 'object' && Object.hasOwn(value, '$') && typeof Reflect.get(value, '$class') === 'string';
}

/** Java's enums travel as objects with their name. A string for one of Java's own classes is more likely a mistake. */
function enumConstant(name: string, type: JavaType): { name: string } {
  return type.name.startsWith('java.') ? mismatch(name, type) : { name };
}

function int(value: unknown, type: JavaType): number {
  const limit = type.limit!;
  if (typeof value !== 'number' || (value | 0) !== value || value > limit || value < -limit - 1) mismatch(value, type);
  return value as number;
}

function long(value: unknown, type: JavaType): number | string {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return isInt(value) ? value : String(value);
  const big =
    typeof value === 'bigint' ? value : typeof value === 'string' && isDigits(value) ? BigInt(value) : undefined;
  if (big === undefined || BigInt.asIntN(64, big) !== big) mismatch(value, type);
  return String(big);
}

function isDigits(text: string): boolean {
  return /^-?\d{1,19}$/.test(text);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function mismatch(value: unknown, type: JavaType): never {
  const shown =
    typeof value === 'object' ? (value as object).constructor?.name : `${typeof value} ${String(value).slice(0, 40)}`;
  throw new TypeError(`expected ${type.name}, got ${shown}`);
}
