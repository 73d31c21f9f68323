import type { Message, Mutation, ReplyStatus } from '../message/index.js';
import type { Failure } from './failure.js';
import type { StreamEdge } from './stream.js';

/** An answer: of the upstream, of a policy, or of a local handler. A business exception is one, with its status. */
export class Reply {
  constructor(
    /** Undefined for a one-way call, whose "reply" is that its bytes were written. */
    readonly message: Message | undefined,
    readonly status: ReplyStatus = 'ok',
    /** What rules and interceptors change of it. Applied by the edge that encodes it, never to the message. */
    readonly mutation: Mutation | undefined = undefined,
  ) {}

  /** An attribute of the reply, with its mutation. @param key - in any letter case. */
  get(key: string): string | undefined {
    const changed = this.mutation?.lookup(key.toLowerCase());
    return changed === undefined ? this.message?.get(key) : (changed ?? undefined);
  }
}

/** How a one-way call ends well. */
export const WRITTEN = new Reply(undefined);

/** Exactly one per attempt, per pass and per call. */
export type Outcome = Reply | Failure;

/** Where a call's outcome goes: the edge that made it. Exactly one of the two is called, once. */
export interface CallSink {
  reply(reply: Reply): void;
  fail(failure: Failure): void;
  /** Of edges that stream: carries the other messages of a stream that the call opens. */
  readonly stream?: StreamEdge;
}

/** For calls whose outcome nobody waits for. */
export const NOBODY: CallSink = { reply() {}, fail() {} };
