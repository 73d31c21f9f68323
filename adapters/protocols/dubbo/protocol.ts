import {
  type CodecOptions,
  formatWireId,
  MAX_MESSAGE_BYTES,
  type Message,
  Mutation,
  type Protocol,
  type Stampable,
  timeLeft,
} from '../../../src/message/index.js';
import { DubboCodec, HEARTBEAT } from './codec.js';
import { isReadOnly, isRequest, STATUS, statusOf } from './header.js';
import { MALFORMED } from './malformed.js';
import { dubboReader, formatOf } from './reader.js';
import { serviceKeys } from './service-keys.js';

/** What may be set of the protocol. */
export interface DubboOptions {
  /**
   * Longest frame, header included. Real providers accept 8 MiB of body by default and say nothing to what is longer.
   * @defaultValue 16 MiB
   */
  readonly maxMessageBytes?: number;
}

/** In larger frames the caller's timeout is not looked for: walking the arguments would cost more than it tells. */
const DEADLINE_UP_TO = 4096;
const TIMEOUT_KEY = 'timeout';

/** The Dubbo protocol of Dubbo 2.6 to 3.3, with options of its own. {@link dubbo} is the one with defaults. */
export function dubboProtocol(options: DubboOptions = {}): Protocol {
  const maxMessageBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  return {
    name: 'dubbo',
    sharing: 'multiplexed',
    formatId: (id) => formatWireId(id, true),
    open: (_side, codec: CodecOptions = {}) => new DubboCodec({ maxMessageBytes, ...codec }),
    serviceKeys,
    takesReplyMutation,
    classify: (reply) => {
      const status = statusOf(reply.tag);
      if (status === STATUS.OK) return reply.kind === 'error' ? 'business' : 'ok';
      return status === STATUS.THREADPOOL_EXHAUSTED ? 'rejected' : 'framework';
    },
    deadline,
    stamp,
    heartbeat: () => HEARTBEAT,
    unsolicited: (event) => (isReadOnly(event.tag) ? 'drain' : 'ignore'),
  };
}

/** Dubbo with defaults. */
export const dubbo: Protocol = dubboProtocol();

/**
 * Attachments on replies came with protocol version 2.0.2; providers send them to consumers that name 2.0.2 to 2.0.99, and
 * not, for example, to those that send their release (2.6.5) there.
 */
function takesReplyMutation(request: Message): boolean {
  const format = formatOf(request);
  if (format === undefined || !isRequest(request.tag)) return false;
  try {
    const version = format.protocolVersion(request.bytes[0]!);
    if (version === undefined || !version.startsWith('2.0.')) return false;
    const patch = Number(version.slice(4));
    return patch >= 2 && patch <= 99;
  } catch (error) {
    if (error !== MALFORMED) throw error;
    return false;
  }
}

/**
 * The attachment `timeout`, which consumers of 2.6, 3.2 and 3.3 send. The walk to it is only begun if these letters stand
 * somewhere in the frame.
 */
function deadline(request: Message): number | undefined {
  const frame = request.bytes[0]!;
  if (request.bytes.length > 1 || frame.length > DEADLINE_UP_TO) return undefined;
  if (formatOf(request)?.mayHold(frame, TIMEOUT_KEY) !== true) return undefined;
  const value = dubboReader.get(request, TIMEOUT_KEY);
  const ms = value === undefined || value === '' ? Number.NaN : Number(value);
  return ms > 0 && ms <= Number.MAX_SAFE_INTEGER ? ms : undefined;
}

/** The time that is left, as consumers say it; the request's own `timeout` stays when it says the same. */
function stamp(attempt: Stampable): Mutation | undefined {
  const { request, remainingMs } = attempt;
  if (remainingMs === Number.POSITIVE_INFINITY || formatOf(request) === undefined) return undefined;
  const left = timeLeft(remainingMs, deadline(request));
  return left === undefined ? undefined : new Mutation().set(TIMEOUT_KEY, String(left));
}
