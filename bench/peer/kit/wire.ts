/**
 * What both ends of the bench know of a frame: where in it things stand. Neither knows more of the protocol, so that what stands
 * before and behind a proxy costs next to nothing.
 *
 * Each request carries its call's number twice: as the protocol's id, and as a token in its argument, which the server copies
 * into the reply. A proxy may give a request another id on its way; a reply that reaches the wrong caller has the wrong token.
 */
export interface Wire {
  readonly lengthAt: number;
  /** What the frame is longer than its length says. */
  readonly lengthAdds: number;
  readonly idAt: number;
  readonly requestTokenAt: number;
  readonly replyTokenAt: number;
}

/** A call to measure: the frames of its request and reply, with id and token left to fill in. */
export interface Exchange {
  readonly protocol: string;
  /** Of the argument, and of the result. */
  readonly size: number;
  readonly wire: Wire;
  /** Many calls at once on a connection; else one. */
  readonly multiplexed: boolean;
  readonly request: Buffer;
  readonly reply: Buffer;
}

/** The bytes of a token, which stands in text. */
export const TOKEN = Buffer.from('~#~#', 'latin1');

/** Numbers of calls have 28 bits, so that each seven of them are a character of text. */
export const MAX_ID = 0xfffffff;

export function tokenOf(id: number): number {
  return (id & 0x7f) | ((id & 0x3f80) << 1) | ((id & 0x1fc000) << 2) | ((id & 0xfe00000) << 3);
}

/** Up to here a frame is copied whole; of longer ones the head is, and the rest is shared. */
const COPY_UP_TO = 8192;

/** A frame with that id and token. @param tokenAt - where in the template the token stands */
export function filled(template: Buffer, { idAt }: Wire, tokenAt: number, id: number, token: number): Buffer[] {
  const copied = template.length <= COPY_UP_TO ? template.length : tokenAt + TOKEN.length;
  const head = Buffer.allocUnsafe(copied);
  template.copy(head, 0, 0, copied);
  head.writeInt32BE(id, idAt);
  head.writeInt32BE(token, tokenAt);
  return copied === template.length ? [head] : [head, template.subarray(copied)];
}
