/** What the typed client uses of hessian.js, which brings no types. */
declare module 'hessian.js' {
  interface ByteBuffer {
    /** At the current position, which moves on. */
    put(byteOrBytes: number | Buffer): this;
    get(): number;
    get(at: number): number;
    position(): number;
    skip(bytes: number): void;
  }

  class EncoderV2 {
    constructor(options?: { size?: number });
    readonly byteBuffer: ByteBuffer;
    reset(): this;
    /** A copy of what was written. */
    get(): Buffer;
    writeNull(): this;
    writeBool(value: boolean): this;
    writeInt(value: number): this;
    /** Digits, where a number would not hold it. */
    writeLong(value: number | string): this;
    writeDouble(value: number): this;
    writeString(value: string): this;
    writeDate(value: Date): this;
    writeBytes(value: Buffer): this;
    writeType(name: string): this;
    writeRef(index: number): this;
  }

  class DecoderV2 {
    constructor(bytes: Buffer);
    readonly byteBuffer: ByteBuffer;
    readonly refMap: Record<number, unknown>;
    readonly classes: { readonly name: string; readonly fields: readonly string[] }[];
    read(): unknown;
    readInt(): number;
    /** Digits, where a number would not hold it. */
    readLong(): number | string;
    readString(): string;
    readType(): string;
    readRefId(): number;
    _addRef(value: unknown): void;
    _readObjectDefinition(): unknown;
  }

  const hessian: { EncoderV2: typeof EncoderV2; DecoderV2: typeof DecoderV2 };
  export default hessian;
}
