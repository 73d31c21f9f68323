import * as z from 'zod';
import { beside, labels } from '../schema.js';
import { defineKind, type FieldsOf } from './kind.js';

const mtls = () => z.strictObject({ mode: z.enum(['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT']).default('UNSET') });

/** Istio's say on whether workloads want mTLS: of the mesh, a namespace or selected workloads. */
export const peerAuthentication = defineKind({
  kind: 'PeerAuthentication',
  group: 'security.istio.io/',
  versions: ['v1', 'v1beta1'],
  schema: z.strictObject({
    spec: z
      .strictObject({
        selector: z.strictObject({ matchLabels: labels().default({}) }).optional(),
        mtls: mtls().optional(),
        portLevelMtls: z.record(z.string(), mtls()).optional(),
      })
      .default({}),
    status: beside(),
  }),
});

export type PeerAuthentication = FieldsOf<typeof peerAuthentication>['spec'];
