/** The name of what is called, `Service:method` where several services share a server. */
import { asciiAt, type Message } from '../../../src/message/index.js';
import type { Name, View } from './view.js';
import { ENCODING, encodingOf } from './wire.js';

const COLON = 0x3a;

/** Where the name's bytes are: in the frame, or in what was inflated of it. */
export function headBytes(message: Message): Buffer {
  return (message.view as View).inflated ?? message.bytes[0]!;
}

/** How many bytes of a name are its service and the colon; 0 if it is a method alone. */
export function serviceBytes(bytes: Buffer, { nameAt, nameLength }: View): number {
  for (let i = 0; i < nameLength; i++) if (bytes[nameAt + i] === COLON) return i + 1;
  return 0;
}

/** Service and method. */
export function nameOf(message: Message): Name {
  const view = message.view as View;
  if (view.name !== undefined) return view.name;
  const bytes = headBytes(message);
  const json = encodingOf(message.tag) === ENCODING.JSON;
  const before = serviceBytes(bytes, view);
  const method = text(bytes, view.nameAt + before, view.nameLength - before, json);
  const service = before > 1 ? text(bytes, view.nameAt, before - 1, json) : undefined;
  view.name = { service, method };
  return view.name;
}

/** `Service:method`, or the method alone. */
export function wireName(message: Message): string {
  const { service, method } = nameOf(message);
  return service === undefined ? method : `${service}:${method}`;
}

function text(bytes: Buffer, at: number, length: number, json: boolean): string {
  const raw = asciiAt(bytes, at, length) ?? bytes.toString('utf8', at, at + length);
  return json && raw.includes('\\') ? unescaped(raw) : raw;
}

function unescaped(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return raw;
  }
}
