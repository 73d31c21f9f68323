import * as z from 'zod';
import { beside, labels, port, text, without } from '../schema.js';
import { defineKind, type FieldsOf } from './kind.js';
import { workload } from './workload.js';

/** Istio's description of a service: its host, ports and where it runs. */
export const serviceEntry = defineKind({
  kind: 'ServiceEntry',
  group: 'networking.istio.io/',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  schema: z.strictObject({
    spec: z.strictObject({
      hosts: z.array(text()).min(1),
      addresses: z.array(z.string()).optional(),
      ports: z
        .array(
          z.strictObject({
            number: port(),
            name: z.string().default(''),
            protocol: beside(),
            targetPort: port().optional(),
          }),
        )
        .default([]),
      location: beside(),
      resolution: z.enum(['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS']).default('NONE'),
      endpoints: z.array(workload()).optional(),
      workloadSelector: z.strictObject({ labels: labels().default({}) }).optional(),
      exportTo: without('is ignored: the service is known wherever these rules are read'),
      subjectAltNames: without('is ignored: connections are plain until mTLS is there'),
    }),
    status: beside(),
  }),
  review({ spec }, report) {
    if (spec.hosts.length > 1) {
      report.warning(
        ['spec', 'hosts', 1],
        'only the first host is governed, as by MetaRDS; write a ServiceEntry a host',
      );
    }
    const names = new Set<string>();
    const numbers = new Set<number>();
    spec.ports.forEach((each, index) => {
      const path = ['spec', 'ports', index];
      if (numbers.has(each.number)) report.error([...path, 'number'], `port ${each.number} is given twice`);
      if (each.name === '') report.tolerated(path, 'needs a name; tcp-metaprotocol-<protocol> makes it governed');
      else if (names.has(each.name)) report.error([...path, 'name'], `the name ${each.name} is given twice`);
      numbers.add(each.number);
      names.add(each.name);
    });
    if (spec.ports.length === 0) report.warning(['spec', 'ports'], 'there is no port, so there is nothing to call');
    spec.endpoints?.forEach((endpoint, index) => {
      const path = ['spec', 'endpoints', index];
      for (const name of Object.keys(endpoint.ports ?? {})) {
        if (!names.has(name)) report.error([...path, 'ports', name], 'is the name of no port of this ServiceEntry');
      }
      if (endpoint.address === undefined && spec.resolution === 'STATIC') report.error(path, 'needs an address');
    });
    if (spec.endpoints !== undefined && spec.endpoints.length > 0 && spec.workloadSelector !== undefined) {
      report.tolerated(
        ['spec', 'workloadSelector'],
        'endpoints and workloadSelector exclude each other; both are taken',
      );
    }
  },
});

export type ServiceEntry = FieldsOf<typeof serviceEntry>['spec'];
