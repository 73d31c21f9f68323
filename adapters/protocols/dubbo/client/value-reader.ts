import hessian from 'hessian.js';

/**
 * Hessian 2 as JavaScript values. hessian.js reads; what it would lose is read here: longs above 2^53 are bigints, an
 * object keeps its class (as `$class` of its prototype, so that it can be sent back), a throwable its own name and
 * message instead of its cause's, and a map whose keys are not all strings is a Map.
 */
export class ValueReader extends hessian.DecoderV2 {
  readonly #prototypes = new Map<string, object>();

  override readLong(): number {
    const value = super.readLong();
    // The base's type has no bigint: whoever reads values takes what comes.
    return (typeof value === 'string' ? BigInt(value) : value) as number;
  }

  readObject(): unknown {
    let code = this.byteBuffer.get();
    while (code === 0x43) {
      this._readObjectDefinition();
      code = this.byteBuffer.get();
    }
    const number = code === 0x4f ? this.readInt() : code - 0x60;
    const definition = this.classes[number];
    if (definition === undefined) throw new TypeError(`Hessian object of the undefined class ${number}`);
    const object = Object.create(this.#prototype(definition.name)) as Record<string, unknown>;
    this._addRef(object);
    for (const field of definition.fields) {
      const value = this.read();
      if (field !== INNER_CLASS) assign(object, field, value);
    }
    return object;
  }

  readArray(): unknown {
    const code = this.byteBuffer.get();
    if (code === 0x56 || (code >= 0x70 && code <= 0x77)) this.readType();
    const length = code === 0x56 || code === 0x58 ? this.readInt() : (code - 0x70) % 8;
    const list: unknown[] = [];
    this._addRef(list);
    for (let i = 0; i < length; i++) list.push(this.read());
    return list;
  }

  readHashMap(): unknown {
    this.byteBuffer.skip(1);
    return this.#map();
  }

  readMap(): unknown {
    this.byteBuffer.skip(1);
    this.readType();
    return this.#map();
  }

  readRef(): unknown {
    return this.refMap[this.readRefId()];
  }

  /** A plain object until a key comes that is no string; what refers to the map meanwhile has the object. */
  #map(): unknown {
    const object: Record<string, unknown> = {};
    const number = this.#number();
    this._addRef(object);
    let map: Map<unknown, unknown> | undefined;
    const bytes = this.byteBuffer;
    while (bytes.get(bytes.position()) !== 0x5a) {
      const key = this.read();
      const value = this.read();
      if (map === undefined && typeof key !== 'string') {
        map = new Map(Object.entries(object));
        this.refMap[number] = map;
      }
      if (map === undefined) assign(object, key as string, value);
      else map.set(key, value);
    }
    bytes.skip(1);
    return map ?? object;
  }

  #number(): number {
    return (this as unknown as { refId: number }).refId;
  }

  #prototype(className: string): object {
    let prototype = this.#prototypes.get(className);
    if (prototype === undefined) {
      prototype = Object.create(Object.prototype, { $class: { value: className } }) as object;
      this.#prototypes.set(className, prototype);
    }
    return prototype;
  }
}

/** The class of an object that came from Java; undefined for anything else. */
export function javaClassOf(value: unknown): string | undefined {
  const name = typeof value === 'object' && value !== null ? (value as { $class?: unknown }).$class : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** hessian.js's own mark for the reference to an outer object, which nobody outside Java can use. */
const INNER_CLASS = '$$ignore_inner_property$$';

/** Names come from the wire: `__proto__` must be a property like any other, and so must one that a prototype has. */
function assign(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__' || name === '$class') {
    Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
  } else {
    object[name] = value;
  }
}
