import { fromBinary, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import { RouteConfigurationSchema } from '../../../../adapters/sources/metards/generated/envoy/config/route/v3/route_pb.js';
import { DiscoveryResponseSchema } from '../../../../adapters/sources/metards/generated/envoy/service/discovery/v3/discovery_pb.js';
import { readGolden, recordedBytes, recordedCases, recordedResponse, recordedRoutes } from './recorded.js';

describe('the generated code on recorded answers', () => {
  test.each(recordedCases)('%s: reads what the real server wrote, and writes it again', (name) => {
    const response = recordedResponse(name);
    expect(Buffer.from(toBinary(DiscoveryResponseSchema, response)).equals(recordedBytes(name))).toBe(true);
    const routes = recordedRoutes(name);
    // Go writes what belongs to a oneof last: the same bytes, but not in the same order.
    const written = routes.map((each) => toBinary(RouteConfigurationSchema, each));
    expect(written.map(({ length }) => length)).toEqual(response.resources.map(({ value }) => value.length));
    expect(written.map((bytes) => fromBinary(RouteConfigurationSchema, bytes))).toEqual(routes);
    const json = routes.map((each) => sorted(toJson(RouteConfigurationSchema, each)));
    json.sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(json).toEqual(JSON.parse(readGolden(`${name}/routes.json`)));
  });
});

/** The server's order of matchers is random; `routes.json` has them by name. */
function sorted(route: JsonValue): { name: string } {
  return JSON.parse(JSON.stringify(route), (key, value) =>
    key === 'headers' ? value.sort((a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)) : value,
  );
}
