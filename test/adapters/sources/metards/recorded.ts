import { readdirSync, readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from '../../../../adapters/sources/metards/generated/envoy/config/route/v3/route_pb.js';
import {
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '../../../../adapters/sources/metards/generated/envoy/service/discovery/v3/discovery_pb.js';

const golden = new URL('../../../golden/metards/', import.meta.url);

/** Text of a file of the recorded collection. */
export const readGolden = (path: string): string => readFileSync(new URL(path, golden), 'utf8');

/** Cases that have their whole answer as bytes: all but large-mesh. */
export const recordedCases: readonly string[] = readdirSync(golden, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'large-mesh')
  .map((entry) => entry.name);

/** The DiscoveryResponse of a case, as it came. */
export const recordedBytes = (name: string): Buffer => Buffer.from(readGolden(`${name}/routes.binpb.b64`), 'base64');

/** The same, decoded. */
export const recordedResponse = (name: string): DiscoveryResponse =>
  fromBinary(DiscoveryResponseSchema, recordedBytes(name));

/** Its resources, in the order they came. */
export const recordedRoutes = (name: string): RouteConfiguration[] =>
  recordedResponse(name).resources.map(({ value }) => fromBinary(RouteConfigurationSchema, value));
