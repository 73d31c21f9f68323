import * as z from 'zod';
import { beside, port, text } from '../schema.js';
import { defineKind, type FieldsOf } from './kind.js';

/** Ties a slice to its Service. */
export const SERVICE_NAME = 'kubernetes.io/service-name';

/** Kubernetes' list of addresses behind a Service. */
export const endpointSlice = defineKind({
  kind: 'EndpointSlice',
  group: 'discovery.k8s.io/',
  versions: ['v1', 'v1beta1'],
  schema: z.strictObject({
    addressType: z.enum(['IPv4', 'IPv6', 'FQDN']).default('IPv4'),
    endpoints: z
      .array(
        z.strictObject({
          addresses: z.array(text()).min(1),
          conditions: z
            .strictObject({ ready: z.boolean().optional(), serving: beside(), terminating: z.boolean().optional() })
            .optional(),
          zone: z.string().optional(),
          hostname: beside(),
          nodeName: beside(),
          targetRef: beside(),
          hints: beside(),
          deprecatedTopology: beside(),
          topology: beside(),
        }),
      )
      .default([]),
    ports: z
      .array(
        z.strictObject({
          name: z.string().default(''),
          port: port().optional(),
          protocol: z.string().default('TCP'),
          appProtocol: beside(),
        }),
      )
      .default([]),
  }),
});

export type EndpointSlice = FieldsOf<typeof endpointSlice>;
