/** Messages, their attributes and changes to them; the contract of codecs and protocols. Imports nothing above itself. */
export { ByteQueue } from './byte-queue.js';
export { type Bytes, byteLength, contiguous } from './bytes.js';
export {
  type Codec,
  type CodecOptions,
  MAX_MESSAGE_BYTES,
  type Protocol,
  ProtocolError,
  type Rejection,
  type ReplyStatus,
  type Sharing,
  type Side,
  type Stampable,
} from './codec.js';
export {
  defineProtocol,
  type FramedKind,
  type FramedProtocol,
  type FramedTable,
  type HeaderField,
  type NumberType,
} from './framed/index.js';
export { asciiAt, internalized } from './interned.js';
export { type AttributeReader, Message, type MessageKind, type Metadata } from './message.js';
export { Mutation } from './mutation.js';
export { COPY_FRAME_UP_TO, Slab } from './slab.js';
export { FieldReader, varint64Length, varintLength, writeVarint, writeVarint64 } from './tagged-fields.js';
export { addPairKeys, encodedPair, findPairs, keyIs, PAIR, pairValue, textAt } from './text-pairs.js';
export { timeLeft } from './time-left.js';
export { formatWireId, sameWireId, type WireId } from './wire-id.js';
