import {
  type CodecOptions,
  formatWireId,
  MAX_MESSAGE_BYTES,
  type Message,
  Mutation,
  type Protocol,
  type ReplyStatus,
  type Stampable,
  timeLeft,
  type WireId,
} from '../../../src/message/index.js';
import { TrpcCodec } from './codec.js';
import { TIMEOUT_KEY } from './edits.js';
import { verdictOf } from './fixed-header.js';
import { headOf } from './reader.js';

/** What may be set of the protocol. */
export interface TrpcOptions {
  /**
   * Longest frame, headers and attachment included. trpc-go and trpc-java take 10 MiB by default.
   * @defaultValue 16 MiB
   */
  readonly maxMessageBytes?: number;
}

const STATUSES: readonly ReplyStatus[] = ['ok', 'business', 'framework', 'rejected'];

/** tRPC as trpc-go and trpc-java speak it over TCP, with options of its own. {@link trpc} is the one with defaults. */
export function trpcProtocol(options: TrpcOptions = {}): Protocol {
  const maxMessageBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  return {
    name: 'trpc',
    sharing: 'multiplexed',
    formatId,
    open: (side, codec: CodecOptions = {}) => new TrpcCodec(side, { maxMessageBytes, ...codec }),
    serviceKeys,
    classify: (reply) => STATUSES[verdictOf(reply.tag)]!,
    deadline,
    stamp,
  };
}

/** tRPC with defaults. */
export const trpc: Protocol = trpcProtocol();

/** The request id, and the stream id where trpc-go would not have put the request id there too. */
function formatId({ idHigh, idLow }: WireId): string {
  const requestId = formatWireId({ idHigh: 0, idLow });
  return idHigh === 0 || (idHigh | 0) === (idLow | 0) ? requestId : `${requestId}/${idHigh >>> 0}`;
}

/** Arrays by callee, for services that share an address; begun anew when full, so that made-up names don't pile up. */
const known = new Map<string, readonly string[]>();
const MAX_KNOWN = 4096;
const NONE: readonly string[] = Object.freeze([]);

/** The callee, such as `trpc.app.server.Service`. */
function serviceKeys(request: Message): readonly string[] {
  const callee = request.getLower('callee');
  if (callee === undefined) return NONE;
  let keys = known.get(callee);
  if (keys === undefined) {
    if (known.size >= MAX_KNOWN) known.clear();
    keys = Object.freeze([callee]);
    known.set(callee, keys);
  }
  return keys;
}

/** The header's `timeout`: what is left of the caller's own, as clients count it down. */
function deadline(request: Message): number | undefined {
  const ms = headOf(request)?.timeoutMs ?? 0;
  return ms > 0 ? ms : undefined;
}

function stamp({ request, remainingMs }: Stampable): Mutation | undefined {
  if (remainingMs === Number.POSITIVE_INFINITY || request.kind === 'stream-open') return undefined;
  const left = timeLeft(remainingMs, deadline(request), 0xffffffff);
  return left === undefined ? undefined : new Mutation().set(TIMEOUT_KEY, String(left));
}
