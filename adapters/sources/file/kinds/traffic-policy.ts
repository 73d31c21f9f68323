import * as z from 'zod';
import { FALLBACK_CODES } from '../../../../src/call/index.js';
import type { Report } from '../problem.js';
import { beside, duration, percent, port, text, uint32, without } from '../schema.js';
import { defineKind, type FieldsOf } from './kind.js';
import { reviewLimit } from './meta-router.js';
import { localRateLimit } from './rate-limit.js';

const targetRef = () =>
  z.strictObject({
    host: text().meta({ description: 'A service: its full host, or a short name of this namespace.' }),
    port: port().optional().meta({ description: 'One port of it; without, all.' }),
    subset: text().optional().meta({ description: "Calls to this subset of the service's DestinationRule." }),
    route: text().optional().meta({ description: "Calls that take the service's routes of this name." }),
  });

const retry = () =>
  z
    .strictObject({
      attempts: uint32().max(100).default(2),
      backoff: z.strictObject({ base: duration(1).default(25), max: duration(1).optional() }).optional(),
      idempotent: z
        .union([z.boolean(), z.array(text())])
        .default(false)
        .meta({ description: 'Operations that may run twice: all, none, or those named.' }),
      budget: z
        .strictObject({
          percent: z.number().min(0).max(1_000).default(20),
          minPerSecond: z.number().min(0).default(10),
          ttl: duration(1_000).default(10_000),
        })
        .prefault({}),
    })
    .superRefine(({ backoff }, context) => {
      if (backoff?.max !== undefined && backoff.max < backoff.base) {
        context.addIssue({ code: 'custom', path: ['backoff', 'max'], message: 'must not be below base' });
      }
    });

const circuitBreaker = () =>
  z.strictObject({
    errorPercent: percent().gt(0).default(50),
    minimumCalls: uint32().min(1).default(20),
    window: duration(100).default(10_000),
    openTime: duration(1).default(5_000),
  });

const concurrency = () =>
  z.strictObject({
    maxConnections: uint32().min(1).optional(),
    maxPendingRequests: uint32().optional(),
    maxRequests: uint32().min(1).optional(),
    maxRetries: uint32().optional(),
  });

const pacing = () =>
  z.strictObject({
    ratePerSecond: z.number().gt(0).max(100).meta({ description: 'For low rates: a limit above is a rateLimit.' }),
    maxQueued: uint32().min(1).default(100),
  });

const fallback = () =>
  z
    .strictObject({
      on: z
        .array(z.enum(FALLBACK_CODES))
        .default([])
        .meta({ description: 'Failure codes; by default timeouts, an open circuit, no endpoint and overflow.' }),
      cluster: text().optional().meta({ description: 'Such as outbound|20880|v2|shop.demo.svc.cluster.local.' }),
      destination: z
        .strictObject({ host: text(), port: z.strictObject({ number: port() }).optional(), subset: text().optional() })
        .optional(),
    })
    .superRefine((value, context) => {
      if ((value.cluster === undefined) === (value.destination === undefined)) {
        context.addIssue('takes one of cluster and destination');
      }
    });

const outlier = () =>
  z.strictObject({
    consecutiveErrors: uint32().default(5),
    interval: duration(1).default(10_000),
    baseEjectionTime: duration(1).default(30_000),
    maxEjectionTime: duration(1).optional(),
    maxEjectionPercent: percent().default(10),
    minHealthPercent: percent().default(0),
  });

/** Meltemi's own: what MetaRouter and DestinationRule cannot say of how calls are made. */
export const trafficPolicy = defineKind({
  kind: 'TrafficPolicy',
  group: 'meltemi.dev/',
  versions: ['v1alpha1'],
  schema: z.strictObject({
    spec: z.strictObject({
      targetRefs: z.array(targetRef()).min(1),
      timeout: duration(1).optional().meta({ description: 'Of the whole call, retries included.' }),
      attemptTimeout: duration(1).optional(),
      retry: retry().optional(),
      circuitBreaker: circuitBreaker().optional(),
      concurrency: concurrency().optional(),
      rateLimit: localRateLimit().optional().meta({ description: 'Outbound: where the calls are made.' }),
      pacing: pacing().optional().meta({ description: 'Calls wait for their turn instead of being refused.' }),
      fallback: fallback().optional(),
      outlier: outlier().optional(),
      hedge: without('hedging is not supported yet'),
      fault: without('fault injection is not supported yet'),
    }),
    status: beside(),
  }),
  review({ spec }, report) {
    spec.targetRefs.forEach(({ subset, route }, index) => {
      if (subset !== undefined && route !== undefined) {
        report.error(['spec', 'targetRefs', index], 'takes one of subset and route: they are different levels');
      }
    });
    if (spec.rateLimit !== undefined) reviewLimit(spec.rateLimit, ['spec', 'rateLimit'], report);
    reviewTimes(spec, report);
    const { targetRefs: _, ...said } = spec;
    if (Object.keys(said).length === 0) report.warning(['spec'], 'says nothing');
  },
});

export type TrafficPolicy = FieldsOf<typeof trafficPolicy>['spec'];

function reviewTimes({ timeout, attemptTimeout, retry }: TrafficPolicy, report: Report): void {
  if (timeout !== undefined && attemptTimeout !== undefined && attemptTimeout > timeout) {
    report.warning(['spec', 'attemptTimeout'], 'is longer than timeout, which ends the call first');
  }
  if (retry !== undefined && retry.attempts > 0 && retry.budget.percent === 0 && retry.budget.minPerSecond === 0) {
    report.warning(['spec', 'retry', 'budget'], 'allows no retry at all');
  }
}
