/** The messages of `StreamRoutes`, as bytes. gRPC is handed bytes, so that what cannot be decoded is ours to judge. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from './generated/envoy/service/discovery/v3/discovery_pb.js';

export const STREAM_ROUTES = '/envoy.service.route.v3.RouteDiscoveryService/StreamRoutes';
export const ROUTE_CONFIGURATION = 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration';

/** What is asked for, or acknowledged. */
export interface Request {
  /** Empty: everything. */
  readonly names: readonly string[];
  /** Of the answer that is acknowledged; '' before the first. */
  readonly version: string;
  readonly nonce: string;
  /** In the first request of a stream only: the server remembers it. */
  readonly nodeId?: string;
}

export function encodeRequest({ names, version, nonce, nodeId }: Request): Buffer {
  const request = create(DiscoveryRequestSchema, {
    versionInfo: version,
    responseNonce: nonce,
    resourceNames: [...names],
    typeUrl: ROUTE_CONFIGURATION,
    ...(nodeId !== undefined && { node: { id: nodeId, userAgentName: 'meltemi' } }),
  });
  return Buffer.from(toBinary(DiscoveryRequestSchema, request));
}

/** @throws Error - these bytes are no DiscoveryResponse, or one of another type of resource */
export function decodeResponse(bytes: Uint8Array): DiscoveryResponse {
  const response = fromBinary(DiscoveryResponseSchema, bytes);
  const { typeUrl } = response;
  if (typeUrl !== ROUTE_CONFIGURATION && typeUrl !== '') throw new Error(`it holds ${typeUrl.slice(0, 200)}`);
  return response;
}
