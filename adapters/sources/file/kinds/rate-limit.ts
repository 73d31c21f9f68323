/** Match and local rate limit: shared by MetaRouter (inbound) and TrafficPolicy (outbound). */
import { RE2JS } from 're2js';
import * as z from 'zod';
import { messageOf } from '../problem.js';
import { duration, text, uint32 } from '../schema.js';

/** Aeraki's way to say that a key must be there, with any value. It is no valid expression. */
export const PRESENT = '*';

/** Instructions of a pattern, at most: the bound of the engine that runs it, `adapters/engines/re2.ts`. */
export const MAX_REGEX_PROGRAM = 500;

const regex = () =>
  z
    .string()
    .min(1)
    .superRefine((pattern, context) => {
      if (pattern === PRESENT) return;
      if (pattern.length > 4_096) context.addIssue('must be at most 4096 characters');
      else {
        try {
          const size = RE2JS.compile(pattern).programSize();
          if (size > MAX_REGEX_PROGRAM) context.addIssue(`is too large: ${size} steps, more than ${MAX_REGEX_PROGRAM}`);
        } catch (error) {
          context.addIssue(`is no RE2 expression: ${messageOf(error)}`);
        }
      }
    });

export const stringMatch = () =>
  z
    .strictObject({ exact: z.string().optional(), prefix: z.string().optional(), regex: regex().optional() })
    .superRefine((match, context) => {
      const given = Object.keys(match).filter((key) => match[key as keyof typeof match] !== undefined);
      if (given.length > 1) context.addIssue(`takes one of exact, prefix and regex, but has ${given.join(' and ')}`);
    });

/** Empty keys would make Envoy refuse the route. */
export const routeMatch = () => z.strictObject({ attributes: z.record(z.string().min(1), stringMatch()).optional() });

export const tokenBucket = () =>
  z.strictObject({
    maxTokens: uint32().min(1),
    /** Aeraki's admission demands it; its documentation says 1. */
    tokensPerFill: uint32().min(1).optional(),
    fillInterval: duration(1),
  });

export const localRateLimit = () =>
  z.strictObject({
    tokenBucket: tokenBucket().optional(),
    conditions: z.array(z.strictObject({ match: routeMatch(), tokenBucket: tokenBucket() })).optional(),
  });

export const mutation = () => z.array(z.strictObject({ key: text(), value: z.string().default('') })).optional();

export type RouteMatch = z.output<ReturnType<typeof routeMatch>>;
export type LocalRateLimit = z.output<ReturnType<typeof localRateLimit>>;
export type TokenBucket = z.output<ReturnType<typeof tokenBucket>>;
