/**
 * A table of header fields, checked once, as codec and reader need it: places, sizes, and the fields with a meaning. All
 * that can be wrong with a table is told here, when the protocol is defined.
 */
import type { ReplyStatus } from '../codec.js';
import { writeNumber } from './numbers.js';
import type { FramedKind, FramedTable, HeaderField, NumberType } from './table.js';

/** Where a field stands. */
export interface Slot {
  readonly name: string;
  readonly at: number;
  readonly size: number;
  readonly signed: boolean;
  readonly isText: boolean;
  /** May a mutation change it? */
  readonly mutable: boolean;
}

const SIZES: Readonly<Record<NumberType, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, i8: 1, i16: 2, i32: 4, i64: 8 };
/** A header is joined into one piece: it must be worth that. */
const MAX_HEADER_BYTES = 1024;

export class Layout {
  readonly little: boolean;
  /** Of the header, without pairs. */
  readonly bytes: number = 0;
  readonly constants: readonly { readonly slot: Slot; readonly value: number }[];
  /** By lower-cased name. */
  readonly attributes: ReadonlyMap<string, Slot>;
  readonly slots: readonly Slot[];
  readonly kind: Slot | undefined;
  readonly kindOf: ReadonlyMap<number, FramedKind>;
  readonly id: Slot | undefined;
  readonly length: Slot;
  readonly lengthIsRest: boolean;
  readonly pairs: Slot | undefined;
  readonly status: Slot | undefined;
  readonly statusOf: ReadonlyMap<number, ReplyStatus>;
  readonly rejectStatus: number;
  readonly timeout: Slot | undefined;

  /** @throws TypeError - the table cannot be used; the message says why */
  constructor(readonly table: FramedTable) {
    const { header, endian = 'big' } = table;
    this.little = endian === 'little';
    const slots: Slot[] = [];
    const named = new Set<string>();
    for (const field of header) {
      const slot = slotOf(field, this.bytes, (why) => this.#wrong(`the field ${field.name} ${why}`));
      if (named.has(slot.name.toLowerCase())) this.#wrong(`two fields are called ${field.name}`);
      named.add(slot.name.toLowerCase());
      slots.push(slot);
      this.bytes += slot.size;
    }
    if (this.bytes > MAX_HEADER_BYTES) this.#wrong(`the header has ${this.bytes} bytes; at most ${MAX_HEADER_BYTES}`);
    this.slots = slots;
    const one = <K extends string>(key: K) => {
      const found = header.flatMap((field, i) => (key in field ? [{ field, slot: slots[i]! }] : []));
      if (found.length > 1) this.#wrong(`has two fields with '${key}'; only one can mean that`);
      return found[0] as { field: Extract<HeaderField, Record<K, unknown>>; slot: Slot } | undefined;
    };
    const length = one('length') ?? this.#wrong("no field has 'length': where a message ends must be told");
    this.length = length.slot;
    this.lengthIsRest = length.field.length === 'rest';
    this.id = one('id')?.slot;
    this.pairs = one('pairs')?.slot;
    this.timeout = one('timeout')?.slot;
    const kind = one('kinds');
    this.kind = kind?.slot;
    this.kindOf = numbered(kind?.field.kinds ?? {});
    const status = one('status');
    this.status = status?.slot;
    this.statusOf = numbered(status?.field.status ?? {});
    this.rejectStatus = status?.field.reject ?? 0;
    this.constants = header.flatMap((field, i) => ('is' in field ? [{ slot: slots[i]!, value: field.is }] : []));
    this.attributes = new Map(
      header.flatMap((field, i) =>
        'is' in field || 'length' in field || 'pairs' in field ? [] : [[field.name.toLowerCase(), slots[i]!]],
      ),
    );
    this.#check();
  }

  /** The wire's value for a kind; undefined: it has none. */
  valueOf(kind: FramedKind): number | undefined {
    for (const [value, each] of this.kindOf) if (each === kind) return value;
    return undefined;
  }

  /** The longest message that its length field can say. */
  get maxBytes(): number {
    const { length, lengthIsRest, bytes } = this;
    return 2 ** (8 * length.size - (length.signed ? 1 : 0)) - 1 + (lengthIsRest ? bytes : 0);
  }

  /** @throws RangeError - the message is longer than the field can say */
  writeLength(head: Buffer, total: number): void {
    const { length, little, table } = this;
    const said = this.lengthIsRest ? total - this.bytes : total;
    if (total > this.maxBytes) throw new RangeError(`${table.name}: ${length.name} cannot say ${said}`);
    writeNumber(head, length, said, little);
  }

  #check(): void {
    const { sharing, operation = [], service } = this.table;
    if (sharing === 'multiplexed' && (this.id?.size ?? 0) < 4) {
      this.#wrong('is multiplexed and has no id of 32 bits at least, by which replies could be told apart');
    }
    const refused = this.statusOf.get(this.rejectStatus);
    if (refused === 'ok') this.#wrong("its status says 'ok' of what the mesh refuses");
    // Of a timeout nobody knows whether the request ran: its caller would have it run again.
    if (refused === 'rejected') this.#wrong("its status says 'rejected' of what the mesh refuses; it may have run");
    if (this.kind !== undefined && (this.valueOf('ping') === undefined) !== (this.valueOf('pong') === undefined)) {
      this.#wrong('has one of ping and pong; a heartbeat needs both');
    }
    if (this.pairs !== undefined) return;
    for (const name of [...operation, ...(service === undefined ? [] : [service])]) {
      if (!this.attributes.has(name.toLowerCase())) this.#wrong(`no field is called ${name}`);
    }
  }

  #wrong(why: string): never {
    throw new TypeError(`the protocol ${this.table.name}: ${why}`);
  }
}

function slotOf(field: HeaderField, at: number, wrong: (why: string) => never): Slot {
  const mutable = !('is' in field || 'kinds' in field || 'id' in field || 'length' in field || 'pairs' in field);
  const base = { name: field.name, at, mutable: mutable && !('status' in field) };
  if ('text' in field) {
    if (!Number.isInteger(field.text) || field.text < 1) wrong(`has ${field.text} bytes of text; at least 1`);
    return { ...base, size: field.text, signed: false, isText: true };
  }
  if (!Object.hasOwn(SIZES, field.type)) wrong(`is of type ${field.type}; one of ${Object.keys(SIZES).join(', ')}`);
  return { ...base, size: SIZES[field.type], signed: field.type.startsWith('i'), isText: false };
}

const numbered = <T>(values: Readonly<Record<number, T>>): ReadonlyMap<number, T> =>
  new Map(Object.entries(values).map(([value, what]) => [Number(value), what as T]));
