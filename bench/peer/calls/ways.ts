import type { Duplex } from 'node:stream';
import type { Exchange } from '../kit/wire.js';

/** What takes a reply: the id that it came with, the token in its body, and whether all the rest is as expected. */
export type Replied = (id: number, token: number, intact: boolean) => void;

/** Calls can be made. */
export interface Opened {
  send(id: number): void;
  close(): void;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A way for a client to call. */
export type Way = (exchange: Exchange, to: Address, callers: number, replied: Replied) => Promise<Opened>;

export type OpenConnection = (to: Address) => Promise<Duplex>;
