/**
 * Java's types as a caller may name them: `int`, `long[]`, `java.util.List`, `com.acme.Order`, Hessian's `[int`, or a
 * descriptor such as `[Ljava/lang/String;`. They decide the method descriptor, by which Java finds the overload, and how
 * a value is written, as JavaScript's own cannot tell an int from a long from a double.
 */

export type JavaKind =
  | 'boolean'
  | 'int'
  | 'long'
  | 'double'
  | 'string'
  | 'date'
  | 'bytes'
  | 'list'
  | 'map'
  | 'array'
  /** An object whose one field, `value`, is text, as BigDecimal travels. */
  | 'text'
  | 'object'
  /** Says nothing: the value decides. */
  | 'any';

export interface JavaType {
  /** As in Java source: `int[]`, `java.lang.String`. */
  readonly name: string;
  readonly kind: JavaKind;
  readonly descriptor: string;
  /** What Hessian writes as type; empty if it writes none. */
  readonly wire: string;
  readonly primitive: boolean;
  /** Of an array. */
  readonly element?: JavaType;
  /** Largest magnitude of an int-like type: 0x7f for a byte. */
  readonly limit?: number;
}

/** @throws TypeError - an empty or void type. */
export function javaType(name: string): JavaType {
  const known = TYPES.get(name);
  if (known !== undefined) return known;
  const type = parse(name);
  if (cached.size >= MAX_CACHED) forget();
  TYPES.set(name, type);
  cached.add(name);
  return type;
}

/** What the descriptor says of a value for which no type was given. */
export function inferredType(value: unknown): JavaType {
  switch (typeof value) {
    case 'string':
      return javaType('java.lang.String');
    case 'boolean':
      return javaType('boolean');
    case 'bigint':
      return javaType('long');
    case 'number':
      return javaType(isInt(value) ? 'int' : Number.isSafeInteger(value) && !Object.is(value, -0) ? 'long' : 'double');
  }
  if (value === null || value === undefined) return javaType('java.lang.Object');
  if (value instanceof Date) return javaType('java.util.Date');
  if (value instanceof Uint8Array) return javaType('byte[]');
  if (Array.isArray(value)) return javaType('java.util.List');
  if (value instanceof Set) return javaType('java.util.Set');
  const className = (value as { $class?: unknown }).$class;
  return javaType(typeof className === 'string' ? className : 'java.util.Map');
}

export function isInt(value: number): boolean {
  return (value | 0) === value && !Object.is(value, -0);
}

/** Types that a caller named; they come from code, but generic calls may take them from elsewhere. */
const MAX_CACHED = 1000;
const cached = new Set<string>();

function forget(): void {
  for (const name of cached) TYPES.delete(name);
  cached.clear();
}

function parse(name: string): JavaType {
  if (name.endsWith('[]')) return arrayOf(javaType(name.slice(0, -2)));
  if (name.startsWith('[')) return arrayOf(component(name.slice(1)));
  if (name.startsWith('L') && name.endsWith(';')) return javaType(name.slice(1, -1).replaceAll('/', '.'));
  if (name === '' || name === 'void') throw new TypeError(`'${name}' is no type of a Java argument`);
  return type(name, 'object', { wire: name });
}

/** After a `[`, Java writes letters for primitives where Hessian writes names. */
function component(name: string): JavaType {
  return javaType(HESSIAN_NAMES.get(name) ?? name);
}

function arrayOf(element: JavaType): JavaType {
  const name = `${element.name}[]`;
  const descriptor = `[${element.descriptor}`;
  if (element.name === 'byte') return type(name, 'bytes', { descriptor });
  const inner = element.kind === 'array' || element.kind === 'bytes' ? arrayWire(element) : element.name;
  return type(name, 'array', { descriptor, element, wire: `[${WIRE_NAMES.get(inner) ?? inner}` });
}

function arrayWire(element: JavaType): string {
  return element.kind === 'bytes' ? '[byte' : element.wire;
}

function type(name: string, kind: JavaKind, more: Partial<JavaType> = {}): JavaType {
  return { name, kind, wire: '', primitive: false, descriptor: `L${name.replaceAll('.', '/')};`, ...more };
}

const WIRE_NAMES = new Map([
  ['java.lang.String', 'string'],
  ['java.lang.Object', 'object'],
]);
const HESSIAN_NAMES = new Map([
  ['string', 'java.lang.String'],
  ['object', 'java.lang.Object'],
]);

const TYPES = new Map<string, JavaType>();

const PRIMITIVES: readonly [name: string, letter: string, kind: JavaKind, boxed: string, limit?: number][] = [
  ['boolean', 'Z', 'boolean', 'Boolean'],
  ['byte', 'B', 'int', 'Byte', 0x7f],
  ['short', 'S', 'int', 'Short', 0x7fff],
  ['int', 'I', 'int', 'Integer', 0x7fffffff],
  ['long', 'J', 'long', 'Long'],
  ['float', 'F', 'double', 'Float'],
  ['double', 'D', 'double', 'Double'],
  ['char', 'C', 'string', 'Character'],
];
for (const [name, letter, kind, boxed, limit] of PRIMITIVES) {
  const bounds = limit === undefined ? {} : { limit };
  const primitive = type(name, kind, { descriptor: letter, primitive: true, ...bounds });
  TYPES.set(name, primitive);
  TYPES.set(letter, primitive);
  TYPES.set(`java.lang.${boxed}`, type(`java.lang.${boxed}`, kind, bounds));
}

const CLASSES: Readonly<Partial<Record<JavaKind, string>>> = {
  string: 'java.lang.String java.lang.CharSequence',
  date: 'java.util.Date',
  list: 'java.util.List java.util.Collection java.lang.Iterable',
  map: 'java.util.Map java.util.HashMap',
  any: 'java.lang.Object java.lang.Number java.lang.Comparable java.io.Serializable',
};
for (const [kind, names] of Object.entries(CLASSES)) {
  for (const name of names.split(' ')) TYPES.set(name, type(name, kind as JavaKind));
}
// Written with their names, as Java does.
const NAMED: Readonly<Partial<Record<JavaKind, string>>> = {
  list: 'java.util.ArrayList java.util.HashSet java.util.LinkedHashSet java.util.TreeSet java.util.LinkedList java.util.Vector',
  map: 'java.util.LinkedHashMap java.util.TreeMap java.util.concurrent.ConcurrentHashMap',
  text: 'java.math.BigDecimal java.util.UUID',
};
for (const [kind, names] of Object.entries(NAMED)) {
  for (const name of names.split(' ')) TYPES.set(name, type(name, kind as JavaKind, { wire: name }));
}
TYPES.set('java.util.Set', type('java.util.Set', 'list', { wire: 'java.util.HashSet' }));
TYPES.set('string', TYPES.get('java.lang.String')!);
