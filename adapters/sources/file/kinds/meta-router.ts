import * as z from 'zod';
import type { Path, Report } from '../problem.js';
import { beside, percent, text, uint32, without } from '../schema.js';
import { defineKind, type FieldsOf } from './kind.js';
import { type LocalRateLimit, localRateLimit, mutation, PRESENT, type RouteMatch, routeMatch } from './rate-limit.js';

const destination = () =>
  z.strictObject({
    host: text(),
    subset: z.string().optional(),
    port: z.strictObject({ number: uint32().max(65_535).optional() }).optional(),
  });

const route = () =>
  z.strictObject({
    name: z.string().optional(),
    match: routeMatch().optional(),
    route: z.array(z.strictObject({ destination: destination(), weight: uint32().optional() })).optional(),
    mirror: destination().optional(),
    mirrorPercentage: z.strictObject({ value: percent().optional() }).optional(),
    requestMutation: mutation(),
    responseMutation: mutation(),
  });

/** Aeraki's routes and rate limits of one service. */
export const metaRouter = defineKind({
  kind: 'MetaRouter',
  group: 'metaprotocol.aeraki.io/',
  versions: ['v1alpha1'],
  schema: z.strictObject({
    spec: z.strictObject({
      hosts: z.array(z.string()),
      routes: z.array(route()).optional(),
      localRateLimit: localRateLimit().optional(),
      globalRateLimit: without(
        'global rate limits are not supported yet: the routes are served, this limit is not enforced',
      ),
      gateways: without('gateways have no effect on calls made or served in-process'),
      exportTo: z.array(z.string()).optional(),
    }),
    status: beside(),
  }),
  review({ spec }, report) {
    const at = (...path: PropertyKey[]): Path => ['spec', ...path];
    if (spec.hosts.length !== 1)
      report.tolerated(at('hosts'), 'must name exactly one host; use a MetaRouter a service');
    spec.hosts.forEach((host, index) => {
      if (!isFqdn(host)) report.tolerated(at('hosts', index), `${JSON.stringify(host)} is not a full domain name`);
    });
    const routes = spec.routes ?? [];
    if (routes.length === 0 && spec.localRateLimit === undefined && !('globalRateLimit' in spec)) {
      report.tolerated(at(), 'says nothing: give routes or a localRateLimit');
    }
    const firstOpen = routes.findIndex((each) => Object.keys(each.match?.attributes ?? {}).length === 0);
    if (firstOpen >= 0 && firstOpen < routes.length - 1) {
      report.warning(at('routes', firstOpen), 'matches everything, so the routes after it are never reached');
    }
    routes.forEach((each, index) => {
      reviewRoute(each, at('routes', index), report);
    });
    if (spec.localRateLimit !== undefined) reviewLimit(spec.localRateLimit, at('localRateLimit'), report);
    if (spec.exportTo !== undefined) {
      report.warning(
        at('exportTo'),
        'is ignored where routes are concerned, as by MetaRDS: they hold in the whole mesh',
      );
    }
  },
});

export type MetaRouter = FieldsOf<typeof metaRouter>['spec'];
export type MetaRoute = NonNullable<MetaRouter['routes']>[number];
export type Destination = z.output<ReturnType<typeof destination>>;

function reviewRoute(route: MetaRoute, path: Path, report: Report): void {
  const targets = route.route ?? [];
  if (targets.length === 0) report.tolerated([...path, 'route'], 'has no destination, so its calls fail');
  const sum = targets.reduce((total, target) => total + (target.weight ?? 0), 0);
  if (targets.length > 1 && sum !== 100) {
    report.tolerated([...path, 'route'], `weights sum to ${sum}; they must sum to 100`);
  }
  targets.forEach((target, index) => {
    const at = [...path, 'route', index];
    if ((target.weight ?? 0) > 100) report.tolerated([...at, 'weight'], 'must be at most 100');
    reviewDestination(target.destination, [...at, 'destination'], report);
  });
  if (route.mirror !== undefined) reviewDestination(route.mirror, [...path, 'mirror'], report);
  if (route.mirrorPercentage !== undefined) {
    const at = [...path, 'mirrorPercentage'];
    if (route.mirror === undefined) report.tolerated(at, 'has no effect without mirror');
    else if (!route.mirrorPercentage.value) report.tolerated(at, 'of 0 counts as 100; leave the mirror out instead');
  }
  for (const field of ['requestMutation', 'responseMutation'] as const) {
    route[field]?.forEach((entry, index) => {
      if (entry.value === '') report.tolerated([...path, field, index, 'value'], 'must not be empty');
    });
  }
  reviewMatch(route.match, [...path, 'match'], report);
}

function reviewDestination(target: Destination, path: Path, report: Report): void {
  if (!isFqdn(target.host)) {
    report.tolerated([...path, 'host'], `${JSON.stringify(target.host)} is not a full domain name`);
  }
  if (target.subset !== undefined && target.subset !== '' && !LABEL.test(target.subset)) {
    report.tolerated([...path, 'subset'], 'must be lower-case letters, digits and dashes, at most 63');
  }
  if (target.port !== undefined && !target.port.number) {
    report.tolerated([...path, 'port'], 'without a number counts as the port of the service; leave it out');
  }
}

/** What is doubtful in a match; also for rate limits. */
export function reviewMatch(match: RouteMatch | undefined, path: Path, report: Report): void {
  for (const [key, value] of Object.entries(match?.attributes ?? {})) {
    const at = [...path, 'attributes', key];
    if (value.regex === PRESENT) {
      report.tolerated(at, 'regex "*" counts as "the key is present"; write ".*", which means the same');
    } else if (value.exact === undefined && value.prefix === undefined && value.regex === undefined) {
      report.warning(at, 'has no condition and is dropped, so that the match widens, as by MetaRDS; remove the key');
    }
  }
}

/** What is doubtful in a local rate limit. */
export function reviewLimit(limit: LocalRateLimit, path: Path, report: Report): void {
  const { tokenBucket, conditions = [] } = limit;
  if (tokenBucket === undefined && conditions.length === 0) {
    report.tolerated(path, 'limits nothing: give a tokenBucket or conditions');
  }
  const check = (bucket: typeof tokenBucket, at: Path) => {
    if (bucket !== undefined && bucket.tokensPerFill === undefined) {
      report.tolerated(at, 'needs tokensPerFill; 1 is taken');
    }
  };
  check(tokenBucket, [...path, 'tokenBucket']);
  conditions.forEach((condition, index) => {
    reviewMatch(condition.match, [...path, 'conditions', index, 'match'], report);
    check(condition.tokenBucket, [...path, 'conditions', index, 'tokenBucket']);
  });
}

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** DNS-1123 labels, at most 255 long, the last not all digits; a trailing dot is fine. */
function isFqdn(host: string): boolean {
  const parts = host.replace(/\.$/, '').split('.');
  if (host.length > 255 || !parts.every((part) => /^[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/.test(part)))
    return false;
  return !/^[0-9]+$/.test(parts.at(-1)!);
}
