import hessian from 'hessian.js';

/** A Dubbo body as hessian.js reads it, an implementation that is not ours. */
export interface OracleBody {
  readonly head: readonly unknown[];
  readonly values: readonly unknown[];
  readonly attachments: unknown;
}

function attachmentsIn(decoder: InstanceType<typeof hessian.DecoderV2>, bytes: Buffer): unknown {
  const attachments = decoder.byteBuffer.position() < bytes.length ? decoder.read() : undefined;
  if (decoder.byteBuffer.position() !== bytes.length) throw new Error('the body goes on behind its attachments');
  return attachments;
}

export function oracleRequest(frame: Buffer): OracleBody {
  const body = frame.subarray(16);
  const decoder = new hessian.DecoderV2(body);
  const head = Array.from({ length: 5 }, () => decoder.read());
  const types = String(head[4]).match(/\[*([VZBCDFIJS]|L[^;]+;)/g) ?? [];
  const values = types.map(() => decoder.read());
  return { head, values, attachments: attachmentsIn(decoder, body) };
}

export function oracleReply(frame: Buffer): OracleBody {
  const body = frame.subarray(16);
  const decoder = new hessian.DecoderV2(body);
  const kind = decoder.readInt();
  const values = kind % 3 === 2 ? [] : [decoder.read()];
  return { head: [kind], values, attachments: kind < 3 ? undefined : attachmentsIn(decoder, body) };
}
