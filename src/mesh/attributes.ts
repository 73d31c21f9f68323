import { type AttributeReader, Message } from '../message/index.js';

/** A request that has attributes and no bytes: what explain asks about. */
export function messageOf(attributes: Readonly<Record<string, string>>): Message {
  const message = new Message('request', [], reader);
  message.view = new Map(Object.entries(attributes).map(([key, value]) => [key.toLowerCase(), value]));
  return message;
}

const reader: AttributeReader = {
  operation: (message) => attributesOf(message).get('method') ?? '',
  get: (message, key) => attributesOf(message).get(key),
  keys: (message) => attributesOf(message).keys(),
};

function attributesOf(message: Message): Map<string, string> {
  return message.view as Map<string, string>;
}
