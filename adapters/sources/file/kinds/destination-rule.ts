import * as z from 'zod';
import { beside, duration, labels, percent, port, text, uint32, without } from '../schema.js';
import { defineKind, type FieldsOf } from './kind.js';

const SIMPLE = ['UNSPECIFIED', 'LEAST_CONN', 'LEAST_REQUEST', 'RANDOM', 'ROUND_ROBIN', 'PASSTHROUGH'] as const;

/** Envoy refuses larger rings. */
const ringSize = () => uint32().max(8_388_608).optional();

const consistentHash = () =>
  z.strictObject({
    httpHeaderName: z.string().optional(),
    httpCookie: without('there are no cookies: with no httpHeaderName each call is hashed at random'),
    useSourceIp: without('source addresses are not hashed: with no httpHeaderName each call is hashed at random'),
    httpQueryParameterName: without('there are no query parameters: name an attribute in httpHeaderName'),
    minimumRingSize: ringSize(),
    ringHash: z.strictObject({ minimumRingSize: ringSize() }).optional(),
    maglev: without('Maglev is not there yet: ring hash is used'),
  });

const policy = () => ({
  loadBalancer: z
    .strictObject({
      simple: z.enum(SIMPLE).optional(),
      consistentHash: consistentHash().optional(),
      localityLbSetting: z
        .strictObject({
          enabled: z.boolean().optional(),
          distribute: without('load is not divided by locality: near endpoints are preferred while they are healthy'),
          failover: without('which region is next is not read: all others are alike'),
          failoverPriority: without('labels do not make priorities: localities do'),
        })
        .optional(),
      warmupDurationSecs: without('new endpoints are not warmed up yet'),
      warmup: without('new endpoints are not warmed up yet'),
    })
    .superRefine((value, context) => {
      if (value.simple !== undefined && value.consistentHash !== undefined) {
        context.addIssue('takes one of simple and consistentHash');
      }
    })
    .optional(),
  connectionPool: z
    .strictObject({
      tcp: z
        .strictObject({
          maxConnections: uint32().optional(),
          connectTimeout: duration(1).optional(),
          tcpKeepalive: without('liveness is read silence here, not TCP keep-alive'),
          maxConnectionDuration: without('connections live as long as they are healthy'),
          idleTimeout: without('idle connections are kept'),
        })
        .optional(),
      http: z
        .strictObject({
          http1MaxPendingRequests: uint32().optional(),
          http2MaxRequests: uint32().optional(),
          maxRequestsPerConnection: without('connections are not retired by their number of requests'),
          maxRetries: uint32().optional(),
          idleTimeout: without('idle connections are kept'),
          h2UpgradePolicy: beside(),
          useClientProtocol: beside(),
          maxConcurrentStreams: beside(),
        })
        .optional(),
    })
    .optional(),
  outlierDetection: z
    .strictObject({
      consecutive5xxErrors: uint32().optional(),
      consecutiveErrors: uint32().optional(),
      consecutiveGatewayErrors: without('only consecutive5xxErrors is read; it counts gateway errors too'),
      consecutiveLocalOriginFailures: without('only consecutive5xxErrors is read; it counts local failures too'),
      splitExternalLocalOriginErrors: without('local and external failures are counted together'),
      interval: duration(1).optional(),
      baseEjectionTime: duration(1).optional(),
      maxEjectionPercent: percent().optional(),
      minHealthPercent: percent().optional(),
    })
    .optional(),
  tls: z
    .strictObject({
      mode: z.enum(['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL']).default('DISABLE'),
      clientCertificate: beside(),
      privateKey: beside(),
      caCertificates: beside(),
      caCrl: beside(),
      credentialName: beside(),
      subjectAltNames: beside(),
      sni: beside(),
      insecureSkipVerify: beside(),
    })
    .optional(),
  tunnel: without('tunnels are not supported'),
  proxyProtocol: without('the PROXY protocol is not supported'),
  retryBudget: without('write the budget in a TrafficPolicy: retry.budget'),
});

const trafficPolicy = () =>
  z.strictObject({
    ...policy(),
    portLevelSettings: z.array(z.strictObject({ port: z.strictObject({ number: port() }), ...policy() })).optional(),
  });

/** Istio's subsets and how their connections and endpoints are used. */
export const destinationRule = defineKind({
  kind: 'DestinationRule',
  group: 'networking.istio.io/',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  schema: z.strictObject({
    spec: z.strictObject({
      host: text(),
      trafficPolicy: trafficPolicy().optional(),
      subsets: z
        .array(
          z.strictObject({ name: text(), labels: labels().default({}), trafficPolicy: trafficPolicy().optional() }),
        )
        .default([]),
      exportTo: without('is ignored: the rule holds wherever it is read'),
      workloadSelector: without('is ignored: the rule holds for every caller'),
    }),
    status: beside(),
  }),
  review({ spec }, report) {
    const names = new Set<string>();
    spec.subsets.forEach((subset, index) => {
      if (names.has(subset.name)) report.error(['spec', 'subsets', index, 'name'], 'is given twice');
      names.add(subset.name);
    });
    const levels = [
      { policy: spec.trafficPolicy, path: ['spec'] },
      ...spec.subsets.map(({ trafficPolicy: policy }, index) => ({ policy, path: ['spec', 'subsets', index] })),
    ];
    for (const { policy, path } of levels) {
      if (policy?.tls === undefined || policy.tls.mode === 'DISABLE') continue;
      const message = 'TLS cannot be made yet: calls to these endpoints are refused, never sent in the clear';
      report.warning([...path, 'trafficPolicy', 'tls'], message);
    }
    if (spec.host.includes('*'))
      report.warning(['spec', 'host'], 'wildcard hosts are not supported: it applies to nothing');
  },
});

export type DestinationRule = FieldsOf<typeof destinationRule>['spec'];
export type IstioTrafficPolicy = NonNullable<DestinationRule['trafficPolicy']>;
