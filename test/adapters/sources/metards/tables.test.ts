import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RouteConfigurationSchema } from '../../../../adapters/sources/metards/generated/envoy/config/route/v3/route_pb.js';
import { Tables } from '../../../../adapters/sources/metards/tables.js';
import { decodeResponse, ROUTE_CONFIGURATION } from '../../../../adapters/sources/metards/wire.js';
import type { RuleChange } from '../../../../src/rules/index.js';
import { recordedBytes, recordedCases, recordedResponse } from './recorded.js';

function take(tables: Tables, bytes: Uint8Array): RuleChange[] {
  const steps = tables.take(decodeResponse(bytes).resources, undefined);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

test.each(recordedCases)('%s: taken again, whole or in another order, changes nothing', (name) => {
  const tables = new Tables('metards', 'here');
  const { resources } = recordedResponse(name);
  expect(take(tables, recordedBytes(name)).length).toBe(resources.length);
  expect(take(tables, recordedBytes(name))).toEqual([]);
  // Other bytes, same content: fields in this library's order.
  const rewritten = resources.map(({ value }) => ({
    typeUrl: ROUTE_CONFIGURATION,
    value: toBinary(RouteConfigurationSchema, fromBinary(RouteConfigurationSchema, value)),
  }));
  const steps = tables.take(rewritten.reverse() as never, undefined);
  let step = steps.next();
  while (!step.done) step = steps.next();
  expect([step.value, tables.problems(), tables.removeAbsent()]).toEqual([[], [], []]);
});

test('of arbitrary bytes there are at worst problems', () => {
  const recorded = fc.constantFrom(...recordedCases).map(recordedBytes);
  const damaged = fc
    .tuple(recorded, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }), fc.option(fc.nat()))
    .map(([bytes, changes, cut]) => {
      const copy = Buffer.from(bytes);
      for (const [at, to] of changes) if (copy.length > 0) copy[at % copy.length] = to;
      return cut === null ? copy : copy.subarray(0, cut % (copy.length + 1));
    });
  // Groups in groups, and a resource in each 20 bytes.
  const nested = fc.constantFrom(0x0b, 0x12).map((byte) => Buffer.alloc(20_000, byte));
  const tables = new Tables('metards', 'here');
  fc.assert(
    fc.property(
      fc.oneof({ weight: 20, arbitrary: damaged }, { weight: 5, arbitrary: fc.uint8Array({ maxLength: 60 }) }, nested),
      (bytes) => {
        let resources: Parameters<Tables['take']>[0];
        try {
          ({ resources } = decodeResponse(bytes));
        } catch (error) {
          expect((error as Error).message).toMatch(/./);
          return;
        }
        for (const steps = tables.take(resources, undefined); !steps.next().done; );
        for (const problem of tables.problems()) expect(problem.length).toBeLessThan(5_000);
      },
    ),
    { numRuns: 200 },
  );
});
