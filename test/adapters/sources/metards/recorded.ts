import { createHash } from 'node:crypto';
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

/** The documents of large-mesh, made by its recipe: 300 services of 5 routes. */
export function largeMesh(): string {
  const { generator, inputSha256 } = JSON.parse(readGolden('large-mesh/case.json'));
  const template = readGolden('large-mesh/template.yaml');
  const services: number = generator.services;
  const three = (n: number) => String(n).padStart(3, '0');
  const input = Array.from({ length: services }, (_, i) => {
    const j = (i + 1) % services;
    const values = new Map<string, unknown>([
      ['{iii}', three(i)],
      ['{i}', i],
      ['{jjj}', three(j)],
      ['{jport}', 20000 + (j % 7)],
      ['{m}', (i % 9) + 1],
      ['{port}', 20000 + (i % 7)],
      ['{proto}', ['dubbo', 'thrift', 'qza'][i % 3]],
      ['{p}', `${i % 100}.${(i % 9) + 1}`],
      ['{w2}', 100 - (i % 101)],
      ['{w}', i % 101],
    ]);
    return template.replace(/\{\w+\}/g, (placeholder) => String(values.get(placeholder)));
  }).join('');
  const digest = createHash('sha256').update(input).digest('hex');
  if (digest !== inputSha256) throw new Error('large-mesh: the recipe gave other documents than the recorded ones');
  return input;
}
