/** What was said already is near enough, to so many ms: the request is then sent as it is. */
const NEAR_ENOUGH_MS = 20;

/**
 * What an attempt says on the wire of the time that is left, in whole ms from 1 on; undefined: the request says it.
 * @param remainingMs - finite: who has no deadline need not ask what the request says
 * @param said - what the request says itself
 * @param most - that the wire can say
 */
export function timeLeft(
  remainingMs: number,
  said: number | undefined,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const left = Math.min(Math.max(1, Math.floor(remainingMs)), most);
  return said !== undefined && said >= left && said - left < NEAR_ENOUGH_MS ? undefined : left;
}
