import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decide, type Placement, type PlacementFacts, REASONS } from '../../../src/mesh/placement/index.js';

const FINE: PlacementFacts = {
  wish: 'auto',
  sidecar: 'none',
  rules: 'here',
  described: true,
  codec: true,
  mtls: 'none',
  onNoRules: 'default-route',
};

const there = { sidecar: 'there' } as const;
const late = { rules: 'late', described: false } as const;

test.each<[string, Partial<PlacementFacts>, Placement | 'NO_SIDECAR' | 'NO_RULES']>([
  ['rules are here', {}, 'in-process'],
  ['and a sidecar too', there, 'in-process'],
  ['nobody describes it', { rules: 'undescribed', described: false, sidecar: 'there' }, 'direct'],
  ['a proxy captures our own connections', { sidecar: 'captures' }, 'sidecar'],
  ['which in-process may be wished for all the same', { sidecar: 'captures', wish: 'in-process' }, 'in-process'],
  ['nobody knows yet of a sidecar', { sidecar: 'unknown' }, 'waiting'],
  ['which does not matter if none is wished for', { sidecar: 'unknown', wish: 'in-process' }, 'in-process'],
  ['a sidecar is wished for', { ...there, wish: 'sidecar' }, 'sidecar'],
  ['and is not there', { wish: 'sidecar' }, 'NO_SIDECAR'],
  ['the first rules may still come', { ...there, rules: 'waiting' }, 'sidecar'],
  ['without a sidecar', { rules: 'waiting' }, 'waiting'],
  ['files and last-good rules are still read', { ...there, rules: 'reading' }, 'waiting'],
  ['rules are late', { ...there, ...late }, 'sidecar'],
  ['and no sidecar may be used', { ...there, ...late, wish: 'in-process' }, 'NO_RULES'],
  ['nothing has a default route but what is described', late, 'NO_RULES'],
  ['its table is late', { rules: 'late' }, 'in-process'],
  ['which may be asked to fail', { rules: 'late', onNoRules: 'fail' }, 'NO_RULES'],
  ['direct', { ...late, onNoRules: 'direct' }, 'direct'],
  ['direct, described', { rules: 'late', onNoRules: 'direct' }, 'direct'],
  ['direct, past mTLS', { rules: 'late', onNoRules: 'direct', mtls: 'some' }, 'NO_RULES'],
  ['the default route, past mTLS', { rules: 'late', mtls: 'some' }, 'in-process'],
  ['mTLS', { ...there, mtls: 'all' }, 'sidecar'],
  ['mTLS of some', { ...there, mtls: 'some' }, 'sidecar'],
  ['mTLS, and no sidecar', { mtls: 'all' }, 'NO_SIDECAR'],
  ['mTLS of some, and no sidecar: the others serve', { mtls: 'some' }, 'in-process'],
  ['no codec', { ...there, codec: false }, 'sidecar'],
  ['no codec, and no sidecar', { codec: false }, 'NO_SIDECAR'],
  ['stale', { ...there, rules: 'stale' }, 'sidecar'],
  ['stale, and no sidecar: last-good rules serve on', { rules: 'stale' }, 'in-process'],
])('%s', (_, facts, expected) => {
  const { placement, code } = decide({ ...FINE, ...facts });
  expect(code ?? placement).toBe(expected);
});

const anyFacts: fc.Arbitrary<PlacementFacts> = fc.record({
  wish: fc.constantFrom('auto', 'in-process', 'sidecar'),
  sidecar: fc.constantFrom('unknown', 'none', 'there', 'captures'),
  rules: fc.constantFrom('reading', 'waiting', 'late', 'undescribed', 'here', 'stale'),
  described: fc.boolean(),
  codec: fc.boolean(),
  mtls: fc.constantFrom('none', 'some', 'all'),
  onNoRules: fc.constantFrom('default-route', 'direct', 'fail'),
});

test('whatever the facts', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { placement, reason, code } = decide(facts);
      // Direct only what is not the mesh's, or what was asked to be, and never past mTLS.
      if (placement === 'direct' && reason !== 'undescribed') {
        expect([facts.rules, facts.onNoRules, facts.mtls]).toEqual(['late', 'direct', 'none']);
      }
      if (placement === 'sidecar') expect([facts.wish, facts.sidecar]).not.toContain('none');
      if (placement === 'sidecar') expect(facts.wish).not.toBe('in-process');
      if (placement === 'in-process') expect(facts.mtls === 'all' || (facts.described && !facts.codec)).toBe(false);
      // A fall-back is what in-process could not do; what in-process can do is no fall-back.
      if (reason === 'served') expect(placement).toBe('in-process');
      expect(code === undefined).toBe(placement !== 'refused');
      expect(REASONS[reason].text).not.toBe('');
    }),
  );
});
