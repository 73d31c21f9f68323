import {
  type CodecOptions,
  MAX_MESSAGE_BYTES,
  type Message,
  Mutation,
  type Protocol,
  type Stampable,
  timeLeft,
} from '../../../src/message/index.js';
import { TarsCodec } from './codec.js';
import { TIMEOUT_KEY } from './edits.js';
import { headOf, readTail } from './head.js';
import { statusOf } from './ret-codes.js';

/** What may be set of the protocol. */
export interface TarsOptions {
  /**
   * Longest packet, its length included. TarsGo takes 10 MiB.
   * @defaultValue 16 MiB
   */
  readonly maxMessageBytes?: number;
}

/** TARS as TarsGo and @tars/rpc speak it over TCP, TUP included, with options of its own. {@link tars} is the one with defaults. */
export function tarsProtocol(options: TarsOptions = {}): Protocol {
  const maxMessageBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  return {
    name: 'tars',
    sharing: 'multiplexed',
    open: (side, codec: CodecOptions = {}) => new TarsCodec(side, { maxMessageBytes, ...codec }),
    serviceKeys(request) {
      const servant = request.getLower('servant');
      return servant === undefined ? NONE : [servant];
    },
    classify: (reply) => statusOf(headOf(reply)?.ret ?? 0),
    deadline,
    stamp,
  };
}

/** TARS with defaults. */
export const tars: Protocol = tarsProtocol();

const NONE: readonly string[] = Object.freeze([]);

/** `iTimeout`: what the caller waits. */
function deadline(request: Message): number | undefined {
  const head = headOf(request);
  const ms = head === undefined || head.isReply ? 0 : readTail(request.bytes, head).timeoutMs;
  return ms > 0 ? ms : undefined;
}

function stamp({ request, remainingMs }: Stampable): Mutation | undefined {
  if (remainingMs === Number.POSITIVE_INFINITY) return undefined;
  const left = timeLeft(remainingMs, deadline(request), 0x7fffffff);
  return left === undefined ? undefined : new Mutation().set(TIMEOUT_KEY, String(left));
}
