import * as z from 'zod';
import { beside, duration, text, uint32 } from '../schema.js';
import { defineKind, type FieldsOf } from './kind.js';

const http = () =>
  z.strictObject({
    timeout: duration().optional(),
    retries: z
      .strictObject({
        attempts: uint32().optional(),
        perTryTimeout: duration().optional(),
        backoff: duration().optional(),
        retryOn: beside(),
        retryRemoteLocalities: beside(),
        retryIgnorePreviousHosts: beside(),
      })
      .optional(),
    // All that follows MetaRouter has or nobody here; told when the object meets a governed service.
    name: beside(),
    match: beside(),
    route: beside(),
    redirect: beside(),
    directResponse: beside(),
    delegate: beside(),
    rewrite: beside(),
    fault: beside(),
    mirror: beside(),
    mirrors: beside(),
    mirrorPercent: beside(),
    mirrorPercentage: beside(),
    corsPolicy: beside(),
    headers: beside(),
  });

/** Istio's HTTP routes: read for the timeout and the retries that MetaRouter lacks. */
export const virtualService = defineKind({
  kind: 'VirtualService',
  group: 'networking.istio.io/',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  schema: z.strictObject({
    spec: z.strictObject({
      hosts: z.array(text()).default([]),
      http: z.array(http()).default([]),
      gateways: beside(),
      tls: beside(),
      tcp: beside(),
      exportTo: beside(),
    }),
    status: beside(),
  }),
});

export type VirtualService = FieldsOf<typeof virtualService>['spec'];
