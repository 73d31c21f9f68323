/** Protocols from a table of header fields. Imports its neighbours in `message`. */
export { defineProtocol, type FramedProtocol } from './define-protocol.js';
export type { FramedKind, FramedTable, HeaderField, NumberType } from './table.js';
