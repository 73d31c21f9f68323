import hessian from 'hessian.js';
import { FLAG_REQUEST, FLAG_TWO_WAY, HEADER_BYTES, HESSIAN2 } from '../header.js';
import { inferredType, type JavaType, javaType } from './java-type.js';
import { ValueWriter } from './value-writer.js';

const MAP = Buffer.from('H');
const OWN_KEYS = new Set(['path', 'interface', 'version', 'group', 'timeout', 'return', 'remote.application']);

export interface RequestTarget {
  readonly interface: string;
  readonly version: string | undefined;
  readonly group: string | undefined;
  readonly application: string | undefined;
  /** The protocol's version: providers send reply attachments to those that say 2.0.2 or later. */
  readonly dubboVersion: string;
}

export interface Invocation {
  readonly method: string;
  readonly args: readonly unknown[];
  readonly types: readonly string[] | undefined;
  readonly attachments: Readonly<Record<string, string>> | undefined;
  readonly timeoutMs: number | undefined;
  readonly oneway: boolean;
}

/**
 * Request frames as Java Dubbo 2.7 writes them: header, protocol version, path, version, method, descriptor, arguments,
 * attachments. What is the same in each call of a client is written once.
 */
export class RequestEncoder {
  readonly #writer = new ValueWriter();
  readonly #head: Buffer;
  readonly #attachments: Buffer;

  constructor(target: RequestTarget) {
    const version = target.version || '0.0.0';
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt16BE(0xdabb, 0);
    this.#head = Buffer.concat([header, strings(target.dubboVersion, target.interface, version)]);
    // In the order in which a Java 2.7 consumer's HashMap has them.
    const own = ['path', target.interface];
    if (target.application) own.push('remote.application', target.application);
    own.push('interface', target.interface, 'version', version);
    if (target.group) own.push('group', target.group);
    this.#attachments = Buffer.concat([MAP, strings(...own)]);
  }

  /**
   * A new frame with id 0: the mesh gives it the one of the connection that it takes.
   * @throws TypeError - an argument is not of its type, there are more or fewer than types, an attachment is no text or one
   * that the client writes, or the call is none at all.
   */
  encode(call: Invocation): Buffer {
    const { args, types } = call;
    if (typeof call.method !== 'string') throw new TypeError(`the method's name is ${call.method}; it must be text`);
    if (!Array.isArray(args))
      throw new TypeError(`${call.method}: the arguments must be an array, even if there is but one`);
    if (types !== undefined && types.length !== args.length) {
      throw new TypeError(`${call.method}: ${types.length} types for ${args.length} arguments`);
    }
    const writer = this.#writer;
    const parameters = types === undefined ? args.map(inferredType) : types.map(javaType);
    writer.begin(this.#head);
    writer.string(call.method);
    writer.string(descriptorOf(parameters));
    for (let i = 0; i < args.length; i++) this.#argument(call.method, i, args[i], parameters[i]!);
    writer.beginMap(this.#attachments);
    if (call.oneway) pair(writer, 'return', 'false');
    if (call.timeoutMs !== undefined) pair(writer, 'timeout', String(Math.ceil(call.timeoutMs)));
    if (call.attachments !== undefined) {
      for (const [key, value] of Object.entries(call.attachments)) {
        if (OWN_KEYS.has(key))
          throw new TypeError(`${call.method}: attachment '${key}' is written by the client itself`);
        if (typeof value !== 'string')
          throw new TypeError(`${call.method}: attachment '${key}' is a ${typeof value}; it must be text`);
        pair(writer, key, value);
      }
    }
    writer.endMap();
    const frame = writer.end();
    frame[2] = FLAG_REQUEST | HESSIAN2 | (call.oneway ? 0 : FLAG_TWO_WAY);
    frame.writeInt32BE(frame.length - HEADER_BYTES, 12);
    return frame;
  }

  #argument(method: string, index: number, value: unknown, type: JavaType): void {
    try {
      this.#writer.write(value, type);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new TypeError(`${method}: argument ${index + 1}: ${reason}`, { cause: error });
    }
  }
}

function descriptorOf(types: readonly JavaType[]): string {
  let descriptor = '';
  for (const type of types) descriptor += type.descriptor;
  return descriptor;
}

function pair(writer: ValueWriter, key: string, value: string): void {
  writer.string(key);
  writer.string(value);
}

function strings(...texts: string[]): Buffer {
  const out = new hessian.EncoderV2({ size: 256 });
  for (const text of texts) out.writeString(text);
  return out.get();
}
