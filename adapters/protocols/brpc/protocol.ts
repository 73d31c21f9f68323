import {
  type CodecOptions,
  MAX_MESSAGE_BYTES,
  type Message,
  Mutation,
  type Protocol,
  type Stampable,
  timeLeft,
} from '../../../src/message/index.js';
import { BrpcCodec } from './codec.js';
import { statusOf } from './codes.js';
import { TIMEOUT_KEY } from './edits.js';
import { metaOf } from './meta.js';

/** What may be set of the protocol. */
export interface BrpcOptions {
  /**
   * Longest frame. bRPC in C++ takes 64 MiB (`max_body_size`).
   * @defaultValue 16 MiB
   */
  readonly maxMessageBytes?: number;
}

const NONE: readonly string[] = Object.freeze([]);

/** bRPC's `baidu_std` as bRPC (C++), brpc-java and jprotobuf speak it, with options. {@link brpc} is the one with defaults. */
export function brpcProtocol(options: BrpcOptions = {}): Protocol {
  const maxMessageBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  return {
    name: 'brpc',
    sharing: 'multiplexed',
    open: (side, codec: CodecOptions = {}) => new BrpcCodec(side, { maxMessageBytes, ...codec }),
    serviceKeys(request) {
      const service = request.getLower('service');
      return service === undefined ? NONE : [service];
    },
    classify: (reply) => statusOf(metaOf(reply)?.code ?? 0),
    deadline,
    stamp,
  };
}

/** bRPC with defaults. */
export const brpc: Protocol = brpcProtocol();

/** `timeout_ms`, which C++ clients send only if they are told to. */
function deadline(request: Message): number | undefined {
  const ms = metaOf(request)?.timeoutMs ?? 0;
  return ms > 0 ? ms : undefined;
}

function stamp({ request, remainingMs }: Stampable): Mutation | undefined {
  if (remainingMs === Number.POSITIVE_INFINITY || request.kind === 'stream-open') return undefined;
  const left = timeLeft(remainingMs, deadline(request), 0x7fffffff);
  return left === undefined ? undefined : new Mutation().set(TIMEOUT_KEY, String(left));
}
