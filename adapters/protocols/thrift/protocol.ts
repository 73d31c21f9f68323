import {
  type CodecOptions,
  formatWireId,
  MAX_MESSAGE_BYTES,
  type Message,
  Mutation,
  type Protocol,
  type Sharing,
  type Stampable,
  timeLeft,
} from '../../../src/message/index.js';
import { ThriftCodec } from './codec.js';
import { RPC_TIMEOUT } from './headers/numbered.js';
import { hasHeader, isDeclared, TRANSPORT, transportOf } from './wire.js';

/** What may be set of the protocol. */
export interface ThriftOptions {
  /**
   * The third token of the port names that it is for, `tcp-metaprotocol-<name>`: with another name and other options beside
   * the default, services choose by their port's name. It has no hyphens, as port names are cut at them.
   * @defaultValue 'thrift'
   */
  readonly name?: string;
  /**
   * May calls share an upstream connection? Thrift has ids, yet most servers answer a connection's calls one after the other
   * (Java, Go, Python: sixteen calls of 50 ms take 810 ms on one connection, 55 on sixteen). `multiplexed` for those that
   * answer as they are done, as npm's does; then replies go to callers out of order too, by their ids.
   * @defaultValue 'exclusive'
   */
  readonly sharing?: Sharing;
  /**
   * One-way methods, as `method` or, where they are multiplexed, `Service:method`. All but Go's clients say on the wire that a
   * call is one-way; Go's say `call`, so that nobody but the IDL tells that no reply will come. Without being told so, the mesh
   * waits for it, and replies behind it on that connection wait too.
   * @defaultValue none
   */
  readonly oneway?: readonly string[];
  /**
   * Longest message, its length and header included. Java and Go accept about as much.
   * @defaultValue 16 MiB
   */
  readonly maxMessageBytes?: number;
}

/** Thrift with options of its own. {@link thrift} is the one with defaults. */
export function thriftProtocol(options: ThriftOptions = {}): Protocol {
  const maxMessageBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  const oneway = new Set(options.oneway);
  return {
    name: options.name ?? 'thrift',
    sharing: options.sharing ?? 'exclusive',
    formatId: (id) => formatWireId(id, true),
    open: (side, codec: CodecOptions = {}) => new ThriftCodec(side, { maxMessageBytes, ...codec }, oneway),
    serviceKeys,
    takesReplyMutation: (request) => hasHeader(request.tag),
    classify: ({ kind, tag }) => (kind === 'error' ? (isDeclared(tag) ? 'business' : 'framework') : 'ok'),
    deadline,
    stamp,
  };
}

/** Thrift with defaults. */
export const thrift: Protocol = thriftProtocol();

const NONE: readonly string[] = Object.freeze([]);

/** Asks the message's own reader: a made-up one, to explain, has no bytes. */
function serviceKeys(request: Message): readonly string[] {
  const service = request.getLower('service');
  return service === undefined ? NONE : [service];
}

/** Kitex alone tells it. */
function deadline(request: Message): number | undefined {
  if (transportOf(request.tag) !== TRANSPORT.TTHEADER) return undefined;
  const value = request.getLower(RPC_TIMEOUT);
  const ms = value === undefined || value === '' ? Number.NaN : Number(value);
  return ms > 0 && ms <= Number.MAX_SAFE_INTEGER ? ms : undefined;
}

/** The time that is left, to a server that reads it. */
function stamp({ request, remainingMs }: Stampable): Mutation | undefined {
  if (transportOf(request.tag) !== TRANSPORT.TTHEADER || remainingMs === Number.POSITIVE_INFINITY) return undefined;
  const left = timeLeft(remainingMs, deadline(request));
  return left === undefined ? undefined : new Mutation().set('RPCTimeout', String(left));
}
