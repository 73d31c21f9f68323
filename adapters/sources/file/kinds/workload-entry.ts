import * as z from 'zod';
import { beside } from '../schema.js';
import { defineKind, type FieldsOf } from './kind.js';
import { workload } from './workload.js';

/** Istio's description of one workload, picked by the selectors of ServiceEntries and Services of its namespace. */
export const workloadEntry = defineKind({
  kind: 'WorkloadEntry',
  group: 'networking.istio.io/',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  schema: z.strictObject({ spec: workload(), status: beside() }),
  review({ spec }, report) {
    if (spec.address === undefined) report.error(['spec'], 'needs an address');
  },
});

export type WorkloadEntry = FieldsOf<typeof workloadEntry>['spec'];
