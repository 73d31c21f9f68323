/**
 * Three hands write on a request: interceptors, the rules, and the protocol's stamp (remaining deadline, attempt
 * number). The later wins, as it is nearer to the wire. Only what interceptors set is seen by routes, hashes, limits
 * and logs; what rules set changes the bytes sent and nothing else, so that a rule never depends on another's place.
 *
 * What rules change of a reply is said once, by the pass: outside its retries and its interceptors.
 */
import type { Attempt } from '../../call/index.js';
import { Reply } from '../../call/index.js';
import { Mutation } from '../../message/index.js';

/** All that is put on the wire besides the attempt's request. No allocation where only one of the three has a say. */
export function attemptMutation(attempt: Attempt, rules: Mutation | undefined): Mutation | undefined {
  const asked = Mutation.merge(attempt.pass.call.mutation, rules);
  return Mutation.merge(asked, attempt.protocol.stamp?.(attempt));
}

/** The reply with the rules' changes over those it has. One-way calls have no reply to change. */
export function withMutation(reply: Reply, rules: Mutation | undefined): Reply {
  if (rules === undefined || reply.message === undefined) return reply;
  return new Reply(reply.message, reply.status, Mutation.merge(reply.mutation, rules));
}
