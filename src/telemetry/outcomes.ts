import { FAILURES, Failure, type FailureCode, type Outcome } from '../call/index.js';

/**
 * Every way a call or attempt can end, as one list: what counters are kept for, and what they and the logs call it.
 * `ok`, `business`, `framework` and `rejected` are replies by their status, `written` is a one-way call on its
 * way, the rest are the codes of Failures.
 */
export type OutcomeName = 'ok' | 'business' | 'framework' | 'rejected' | 'written' | FailureCode;

const REPLIES = ['ok', 'business', 'framework', 'rejected', 'written'] as const;
const WRITTEN_INDEX = 4;

export const OUTCOMES: readonly OutcomeName[] = [...REPLIES, ...(Object.keys(FAILURES) as FailureCode[])];

const FAILURE_INDEX = new Map<string, number>(OUTCOMES.map((name, index) => [name, index]));
const INTERNAL_INDEX = FAILURE_INDEX.get('INTERNAL')!;

/** Its place in {@link OUTCOMES}. No look-up for replies; one for failures. */
export function outcomeIndex(outcome: Outcome): number {
  if (outcome instanceof Failure) return FAILURE_INDEX.get(outcome.code) ?? INTERNAL_INDEX;
  switch (outcome.status) {
    case 'ok':
      return outcome.message === undefined ? WRITTEN_INDEX : 0;
    case 'business':
      return 1;
    case 'framework':
      return 2;
    default:
      return 3;
  }
}

export function outcomeName(outcome: Outcome): OutcomeName {
  return OUTCOMES[outcomeIndex(outcome)]!;
}

/** Istio's word for it, as MetaProtocol has it: `0` for a reply that is an answer, `1` for anything else. */
export function responseCode(name: OutcomeName): '0' | '1' {
  return name === 'ok' || name === 'business' || name === 'written' ? '0' : '1';
}

/** Envoy's `%RESPONSE_FLAGS%`; `-` for replies. */
export function responseFlags(name: OutcomeName): string {
  return name in FAILURES ? FAILURES[name as FailureCode].flag : '-';
}
