/** Which transport a connection's next bytes are in, and where in such a frame the message stands. */
import { type ByteQueue, ProtocolError } from '../../../src/message/index.js';
import { encodingAt, MORE, readHead } from './head.js';
import type { View } from './view.js';
import {
  HEADER,
  readInt32,
  readUint16,
  THEADER_MAGIC,
  TRANSPORT,
  type Transport,
  TTHEADER_MAGIC,
  tagOf,
  withInnerFrame,
  withPacked,
} from './wire.js';
import { inflatedHead } from './zlib.js';

/** Bytes that tell the transport of what has a length, none of which is shorter. */
const TELLTALE_BYTES = 6;

/**
 * The transport of the bytes at the front, or undefined if there are too few. It is told anew for each message, since
 * clients of different transports may share an upstream connection: a reply comes as its request went.
 *
 * Lengths begin with a byte below 0x40, and what is in a frame with one that no name begins with. So an unframed message is
 * told by its first byte, or, where it begins with the length of a name (old binary), by the name's first letter.
 * @throws ProtocolError - it is no Thrift
 */
export function detect(input: ByteQueue): Transport | undefined {
  const first = input.at(0);
  if (first === 0x80 || first === 0x82 || first === 0x5b) {
    if (input.length < 2) return undefined;
    const second = input.at(1);
    if (first === 0x80 ? second === 0x01 : first === 0x82 ? (second & 0x1f) === 1 : second === 0x31) {
      return TRANSPORT.UNFRAMED;
    }
  }
  if (input.length < TELLTALE_BYTES) return undefined;
  const inner = input.at(4);
  const magic = (inner << 8) | input.at(5);
  if (magic === THEADER_MAGIC) return TRANSPORT.THEADER;
  if (magic === TTHEADER_MAGIC) return TRANSPORT.TTHEADER;
  if (magic === 0x8001 || inner === 0x82 || inner === 0x5b || inner === 0) return TRANSPORT.FRAMED;
  if (first === 0 && input.at(1) === 0 && startsName(inner)) return TRANSPORT.UNFRAMED;
  throw new ProtocolError(`no Thrift: a message does not begin with ${input.peek(TELLTALE_BYTES)!.toString('hex')}`);
}

/** A letter or underscore. */
function startsName(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f;
}

/**
 * Reads transport and head of a frame into `view`.
 * @param bytes - its beginning: all that is there in one piece
 * @param total - its length
 * @returns its tag, or {@link MORE}: the head goes on behind `bytes`
 */
export function readFrame(bytes: Buffer, total: number, transport: Transport, view: View): number {
  switch (transport) {
    case TRANSPORT.FRAMED:
      return readMessage(bytes, 4, transport, 0, view);
    case TRANSPORT.UNFRAMED:
      return readMessage(bytes, 0, transport, 0, view);
    case TRANSPORT.THEADER:
      return readHeader(bytes, total, transport, view);
    default:
      return readHeader(bytes, total, transport, view);
  }
}

function readMessage(bytes: Buffer, at: number, transport: Transport, flags: number, view: View): number {
  view.messageAt = at;
  if (at + 2 > bytes.length) return MORE;
  const encoding = encodingAt(bytes, at);
  return readHead(bytes, at, encoding, tagOf(transport, encoding, 0) | flags, view);
}

/** TTHeader's flag for frames of streams. */
const STREAMING = 0x02;
const ZLIB = 1;

function readHeader(bytes: Buffer, total: number, transport: Transport, view: View): number {
  if (HEADER.START > bytes.length) return MORE;
  const end = HEADER.START + 4 * readUint16(bytes, HEADER.WORDS);
  if (end > total) throw new ProtocolError(`a Thrift header of ${end} bytes in a frame of ${total}`);
  if (end > bytes.length) return MORE;
  const streams = transport === TRANSPORT.TTHEADER && (readUint16(bytes, HEADER.FLAGS) & STREAMING) !== 0;
  if (streams) throw new ProtocolError("Kitex's streams over TTHeader are not supported");
  const transforms = transport === TRANSPORT.THEADER ? transformsAt(bytes, end) : HEADER.START + 1;
  const count = transforms < end ? bytes[transforms]! : 0;
  const tag =
    count === 0 ? readPlain(bytes, end, transport, view) : readPacked(bytes, end, transport, transforms, view);
  view.messageAt = tag !== MORE && (tag & INNER) !== 0 ? end + 4 : end;
  view.seqInHeader = readInt32(bytes, HEADER.SEQ) === view.seq;
  return tag;
}

const INNER = withInnerFrame(0);

/** Where the number of transforms stands: behind the protocol's, a varint. */
function transformsAt(bytes: Buffer, end: number): number {
  let at: number = HEADER.START;
  while (at < end && bytes[at]! >= 0x80) at++;
  return at + 1;
}

function readPlain(bytes: Buffer, at: number, transport: Transport, view: View): number {
  if (transport === TRANSPORT.TTHEADER && bytes[at] === 0) return readMessage(bytes, at + 4, transport, INNER, view);
  return readMessage(bytes, at, transport, 0, view);
}

/** Transforms other than zlib once are not known to be in use; the message cannot be read through them. */
function readPacked(bytes: Buffer, at: number, transport: Transport, transforms: number, view: View): number {
  if (bytes[transforms] !== 1 || bytes[transforms + 1] !== ZLIB) {
    throw new ProtocolError(
      `Thrift transforms ${bytes.toString('hex', transforms + 1, transforms + 1 + bytes[transforms]!)}: zlib (1) alone is supported`,
    );
  }
  return inflatedHead(bytes, at, (inflated) => readMessage(inflated, 0, transport, withPacked(0), view), view);
}
