/** The kinds that are read: a file each, with its schema and checks. Imports the schema helpers, zod, re2js and the failure codes of src. */
import { applicationProtocol } from './application-protocol.js';
import { destinationRule } from './destination-rule.js';
import { endpointSlice } from './endpoint-slice.js';
import type { Kind } from './kind.js';
import { metaRouter } from './meta-router.js';
import { peerAuthentication } from './peer-authentication.js';
import { service } from './service.js';
import { serviceEntry } from './service-entry.js';
import { trafficPolicy } from './traffic-policy.js';
import { virtualService } from './virtual-service.js';
import { workloadEntry } from './workload-entry.js';

export type { RuleObject } from './kind.js';

export const KINDS: readonly Kind[] = [
  metaRouter,
  serviceEntry,
  workloadEntry,
  destinationRule,
  trafficPolicy,
  applicationProtocol,
  service,
  endpointSlice,
  virtualService,
  peerAuthentication,
] as readonly Kind[];

/** By `group/kind`; a Service of another group, such as Knative's, is not Kubernetes' Service. */
const BY_NAME = new Map(KINDS.map((kind) => [`${kind.group}${kind.kind}`, kind]));

export function kindOf(apiVersion: string, kind: string): Kind | undefined {
  const slash = apiVersion.lastIndexOf('/');
  return BY_NAME.get(`${apiVersion.slice(0, slash + 1)}${kind}`);
}

/** Groups of which every kind is known here. */
const OWN_GROUPS = ['metaprotocol.aeraki.io/', 'meltemi.dev/'];
/** Kinds that other groups have, too. */
const COMMON = new Set(['Service', 'TrafficPolicy', 'VirtualService']);

/** Why a document that is none of ours looks like a misspelt one; undefined: it does not. */
export function misspelt(apiVersion: string, kind: string): string | undefined {
  const group = apiVersion.slice(0, apiVersion.lastIndexOf('/') + 1);
  if (OWN_GROUPS.includes(group)) {
    const kinds = KINDS.filter((it) => it.group === group).map((it) => it.kind);
    return `kind ${kind} is unknown in ${apiVersion} and skipped; known there: ${kinds.join(', ')}`;
  }
  const known = COMMON.has(kind) ? undefined : KINDS.find((it) => it.kind === kind);
  return known && `a ${kind} of ${apiVersion} is skipped; ours is of ${known.group}${known.versions[0]}`;
}
