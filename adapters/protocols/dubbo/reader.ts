/**
 * Attributes of Dubbo messages, read when they are asked for. A request has `interface`, `method`, `version`, and each
 * string attachment by its own key; a reply has its attachments. The body's own fields win over attachments of the same
 * name, and of attachments whose keys are the same, lower-cased, the last one, as in the map that Java builds of them.
 *
 * Path and method stand at the body's start and cost some 0.1 µs. The first attachment asked for costs skipping the
 * arguments: linear in their bytes. Attributes that cannot be read are absent.
 */
import { type AttributeReader, contiguous, type Message } from '../../../src/message/index.js';
import { fastjson2Body } from './fastjson2/body.js';
import { FASTJSON2, HESSIAN2, isEvent, isReadOnly, isRequest, serializationOf, statusOf } from './header.js';
import { hessianBody } from './hessian/body.js';
import { MALFORMED } from './malformed.js';
import { type BodyFormat, NO_ATTACHMENTS, View } from './view.js';

/** What Dubbo writes when a service has no version. */
export const NO_VERSION = '0.0.0';

const STATUSES: readonly string[] = Array.from({ length: 256 }, (_, status) => String(status));

export const dubboReader: AttributeReader = {
  operation(message) {
    if (message.kind === 'heartbeat') return 'heartbeat';
    if (isEvent(message.tag)) return isReadOnly(message.tag) ? 'readonly' : 'event';
    if (!isRequest(message.tag)) return '';
    const view = viewOf(message);
    return view.path === undefined ? '' : `${view.path}/${view.method ?? ''}`;
  },

  get(message, key) {
    if (isEvent(message.tag)) return undefined;
    if (isRequest(message.tag)) {
      const view = viewOf(message);
      if (key === 'interface') return view.path;
      if (key === 'method') return view.method;
      if (key === 'version') return view.path === undefined ? undefined : view.version || NO_VERSION;
    }
    return attachment(message, key);
  },

  keys(message) {
    const keys = new Set<string>();
    if (isEvent(message.tag)) return keys;
    if (isRequest(message.tag) && viewOf(message).path !== undefined) {
      keys.add('interface').add('method').add('version');
    }
    const format = formatOf(message);
    const index = attachmentsOf(message);
    const frame = message.bytes[0]!;
    for (let i = 0; i + 1 < index.length; i += 2) {
      const key = format!.stringAt(frame, index[i]!);
      if (key !== undefined && format!.stringAt(frame, index[i + 1]!) !== undefined) keys.add(key);
    }
    return keys;
  },

  status(message) {
    return isRequest(message.tag) ? undefined : STATUSES[statusOf(message.tag)];
  },
};

/** Undefined: a serialization that is not read. */
export function formatOf(message: Message): BodyFormat | undefined {
  switch (serializationOf(message.tag)) {
    case HESSIAN2:
      return hessianBody;
    case FASTJSON2:
      return fastjson2Body;
    default:
      return undefined;
  }
}

/** What a request says before its arguments. Reading it is bounded by the first segment, which holds it as a rule. */
export function viewOf(message: Message): View {
  const known = message.view as View | undefined;
  if (known !== undefined) return known;
  const view = new View();
  message.view = view;
  if (isRequest(message.tag)) {
    const format = formatOf(message);
    if (format !== undefined && !readHead(format, message.bytes[0]!, view) && message.bytes.length > 1) {
      readHead(format, inOnePiece(message), view);
    }
  }
  return view;
}

function readHead(format: BodyFormat, frame: Buffer, view: View): boolean {
  try {
    format.readHead(frame, view);
    return true;
  } catch (error) {
    if (error !== MALFORMED) throw error;
    return false;
  }
}

/** Offsets of keys and values, as {@link View.attachments}; empty if there are none that can be read. */
export function attachmentsOf(message: Message): readonly number[] {
  const view = viewOf(message);
  if (view.attachments !== undefined) return view.attachments;
  view.attachments = NO_ATTACHMENTS;
  const format = formatOf(message);
  if (format === undefined || (!isRequest(message.tag) && message.status !== '20')) return NO_ATTACHMENTS;
  try {
    format.readAttachments(inOnePiece(message), view, isRequest(message.tag));
  } catch (error) {
    if (error !== MALFORMED) throw error;
  }
  return view.attachments;
}

function attachment(message: Message, lowerKey: string): string | undefined {
  const index = attachmentsOf(message);
  if (index.length === 0) return undefined;
  const format = formatOf(message)!;
  const frame = message.bytes[0]!;
  for (let i = index.length - 3; i >= 0; i -= 2) {
    if (!format.keyIs(frame, index[i]!, lowerKey)) continue;
    return format.stringAt(frame, index[i + 1]!);
  }
  return undefined;
}

/** The same bytes joined, for who has to read across segments. The message keeps them, so that it costs once. */
export function inOnePiece(message: Message): Buffer {
  if (message.bytes.length > 1) message.bytes = [contiguous(message.bytes)];
  return message.bytes[0]!;
}
