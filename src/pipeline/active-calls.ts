import type { Failure, Sent } from '../call/index.js';

/** A call that can be found while it runs: linked through its own fields, so that being found costs no allocation. */
export interface Linked {
  newer: Linked | undefined;
  older: Linked | undefined;
  readonly sent: Sent;
  end(failure: Failure): void;
}

/** The calls under way in a mesh, for closing it: waits for them, and ends what is left. */
export class ActiveCalls {
  count = 0;
  private newest: Linked | undefined = undefined;
  private readonly idlers: (() => void)[] = [];

  add(call: Linked): void {
    this.count++;
    call.older = this.newest;
    if (this.newest !== undefined) this.newest.newer = call;
    this.newest = call;
  }

  remove(call: Linked): void {
    if (call.newer === undefined) this.newest = call.older;
    else call.newer.older = call.older;
    if (call.older !== undefined) call.older.newer = call.newer;
    call.newer = undefined;
    call.older = undefined;
    if (--this.count === 0 && this.idlers.length > 0) for (const idle of this.idlers.splice(0)) idle();
  }

  /** Resolves when no call is under way. */
  idle(): Promise<void> {
    return this.count === 0 ? Promise.resolve() : new Promise((resolve) => this.idlers.push(resolve));
  }

  /** @param failureOf - by how much of a call its upstream has seen */
  endAll(failureOf: (sent: Sent) => Failure): void {
    while (this.newest !== undefined) {
      const call = this.newest;
      call.end(failureOf(call.sent));
      // An end that was refused must not hang the close.
      if (this.newest === call) this.remove(call);
    }
  }
}
