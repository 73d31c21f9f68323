import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Decided, HEALTHY_MS, LASTS_MS, PlacementState, REASONS } from '../../../src/mesh/placement/index.js';

const LIMITS = { lastsMs: LASTS_MS, healthyMs: HEALTHY_MS };
const SERVED: Decided = { placement: 'in-process', reason: 'served' };
const FALLEN: Decided = { placement: 'sidecar', reason: 'mtls' };

test('a fall-back lasts 60 s at least, and ends after 30 s of health', () => {
  const state = new PlacementState(SERVED, 0);
  expect(state.follow(FALLEN, 1000, LIMITS)).toBe(true);
  expect(state.follow(SERVED, 2000, LIMITS)).toBe(false);
  expect([state.decided, state.since, state.dueAt]).toEqual([FALLEN, 1000, 61_000]);
  expect(state.follow(SERVED, 60_999, LIMITS)).toBe(false);
  expect(state.follow(SERVED, 61_000, LIMITS)).toBe(true);
  expect([state.decided, state.since, state.dueAt]).toEqual([SERVED, 61_000, Number.POSITIVE_INFINITY]);
});

test('health is on end: what spoils it starts it anew', () => {
  const state = new PlacementState(FALLEN, 0);
  state.follow(SERVED, 50_000, LIMITS);
  expect(state.dueAt).toBe(80_000);
  state.follow({ placement: 'sidecar', reason: 'stale' }, 79_999, LIMITS);
  expect([state.dueAt, state.decided.reason, state.since]).toEqual([Number.POSITIVE_INFINITY, 'stale', 0]);
  state.follow(SERVED, 80_000, LIMITS);
  expect(state.follow(SERVED, 109_999, LIMITS)).toBe(false);
  expect(state.follow(SERVED, 110_000, LIMITS)).toBe(true);
});

test('the first seconds, configuration and detection are no fall-back: they end with their reason', () => {
  for (const reason of ['first-rules', 'configured', 'captured'] as const) {
    const state = new PlacementState({ placement: 'sidecar', reason }, 0);
    expect(state.follow(SERVED, 1, LIMITS)).toBe(true);
  }
});

test('a sidecar that is gone, and a service that is no longer described, are left at once', () => {
  for (const wanted of [
    { placement: 'refused', reason: 'mtls', code: 'NO_SIDECAR' },
    { placement: 'direct', reason: 'undescribed' },
  ] as const) {
    expect(new PlacementState(FALLEN, 0).follow(wanted, 1, LIMITS)).toBe(true);
  }
});

const anyDecided: fc.Arbitrary<Decided> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(SERVED) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('mtls', 'stale', 'no-rules', 'no-codec', 'first-rules', 'configured')
      .map((reason) => ({ placement: 'sidecar', reason }) as Decided),
  },
  fc.constantFrom<Decided>(
    { placement: 'direct', reason: 'undescribed' },
    { placement: 'refused', reason: 'no-codec', code: 'NO_SIDECAR' },
  ),
);

/** What the page promises, said again in the simplest way: over the whole history at each step. */
test('over any history: never late in leaving in-process, never early in coming back, never stuck', () => {
  const step = fc.record({ wanted: anyDecided, ms: fc.integer({ min: 1, max: 70_000 }) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      let now = 0;
      const state = new PlacementState(SERVED, now);
      const history: { at: number; wanted: Decided }[] = [{ at: 0, wanted: SERVED }];
      const away: number[] = [];
      let since = 0;
      for (const { wanted, ms } of steps) {
        now += ms;
        history.push({ at: now, wanted });
        const before = state.decided;
        const switched = state.follow(wanted, now, LIMITS);
        const after = state.decided;
        expect(switched).toBe(after.placement !== before.placement);
        const fallen = before.placement === 'sidecar' && REASONS[before.reason].fallBack;
        if (!fallen || wanted.placement !== 'in-process') {
          expect(after).toBe(wanted);
        } else {
          const unhealthy = history.findLastIndex((it) => it.wanted.placement !== 'in-process');
          const healthyMs = now - history[unhealthy + 1]!.at;
          const back = now - since >= LASTS_MS && healthyMs >= HEALTHY_MS;
          expect(after.placement).toBe(back ? 'in-process' : 'sidecar');
          if (!back) expect(state.dueAt).toBeGreaterThan(now);
        }
        if (switched) since = now;
        if (switched && before.placement === 'in-process' && REASONS[after.reason].fallBack) away.push(now);
      }
      // Whoever asks again when told to comes back.
      if (state.dueAt < Number.POSITIVE_INFINITY) expect(state.follow(SERVED, state.dueAt, LIMITS)).toBe(true);
    }),
  );
});

test('however facts flap between served and fallen, a sidecar is switched to once in 60 s at most', () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 10, maxLength: 200 });
  fc.assert(
    fc.property(gaps, (all) => {
      const state = new PlacementState(SERVED, 0);
      const away: number[] = [];
      let now = 0;
      for (const [i, gap] of all.entries()) {
        now += gap;
        const switched = state.follow(i % 2 === 0 ? FALLEN : SERVED, now, LIMITS);
        if (switched && state.decided.placement === 'sidecar') away.push(now);
      }
      for (let i = 1; i < away.length; i++) expect(away[i]! - away[i - 1]!).toBeGreaterThanOrEqual(LASTS_MS);
    }),
  );
});
