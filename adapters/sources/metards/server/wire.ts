/** Between the state machine and protobuf: what is on the wire of `RouteDiscoveryService`. */

import { create, fromBinary, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { type RouteConfiguration, RouteConfigurationSchema } from '../generated/envoy/config/route/v3/route_pb.js';
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '../generated/envoy/service/discovery/v3/discovery_pb.js';
import { ROUTE_TYPE } from './discovery.js';
import type { Resource } from './snapshot.js';
import type { RouteRequest, RouteResponse } from './subscription.js';

const SERVICE = '/envoy.service.route.v3.RouteDiscoveryService';

/** @throws Error - naming the configuration that is none */
export function resourceOf(configuration: JsonObject): Resource {
  let message: RouteConfiguration;
  try {
    message = fromJson(RouteConfigurationSchema, configuration);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${JSON.stringify(configuration.name) ?? 'one without a name'} is no RouteConfiguration: ${reason}`,
    );
  }
  return { name: message.name, bytes: toBinary(RouteConfigurationSchema, message) };
}

export function decodeRequest(bytes: Uint8Array): RouteRequest {
  const request: DiscoveryRequest = fromBinary(DiscoveryRequestSchema, bytes);
  return {
    node: request.node?.id,
    typeUrl: request.typeUrl,
    names: request.resourceNames,
    version: request.versionInfo,
    nonce: request.responseNonce,
    refusal: request.errorDetail?.message,
  };
}

/** @param random - if there is one, resources and matchers are put into random order */
export function encodeResponse(response: RouteResponse, random?: () => number): Buffer {
  const resources = random === undefined ? response.resources : shuffled(response.resources, random);
  const message = create(DiscoveryResponseSchema, {
    versionInfo: response.version,
    nonce: response.nonce,
    typeUrl: ROUTE_TYPE,
    resources: resources.map(({ bytes }) => ({
      typeUrl: ROUTE_TYPE,
      value: random === undefined ? bytes : withShuffledMatchers(bytes, random),
    })),
  });
  return Buffer.from(toBinary(DiscoveryResponseSchema, message));
}

function withShuffledMatchers(bytes: Uint8Array, random: () => number): Uint8Array {
  const message = fromBinary(RouteConfigurationSchema, bytes);
  for (const { routes } of message.virtualHosts) {
    for (const { match } of routes) if (match !== undefined) match.headers = shuffled(match.headers, random);
  }
  return toBinary(RouteConfigurationSchema, message);
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const all = [...items];
  for (let last = all.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [all[last], all[other]] = [all[other]!, all[last]!];
  }
  return all;
}

const codec = {
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: decodeRequest,
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
};

/** As grpc-js takes it. `DeltaRoutes` is not there: the real server's has never worked for a new node. */
export const ROUTE_DISCOVERY = {
  StreamRoutes: { path: `${SERVICE}/StreamRoutes`, requestStream: true, responseStream: true, ...codec },
  FetchRoutes: { path: `${SERVICE}/FetchRoutes`, requestStream: false, responseStream: false, ...codec },
} as const;
