import * as z from 'zod';
import { beside, labels, port, text } from '../schema.js';
import { defineKind, type FieldsOf } from './kind.js';

/** Kubernetes' Service: its host is `<name>.<namespace>.svc.cluster.local`. */
export const service = defineKind({
  kind: 'Service',
  group: '',
  versions: ['v1'],
  schema: z.strictObject({
    spec: z.strictObject({
      selector: labels().optional(),
      ports: z
        .array(
          z.strictObject({
            name: z.string().default(''),
            port: port(),
            targetPort: z.union([port(), text()]).optional(),
            protocol: z.string().default('TCP'),
            appProtocol: beside(),
            nodePort: beside(),
          }),
        )
        .default([]),
      clusterIP: z.string().optional(),
      clusterIPs: z.array(z.string()).optional(),
      type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']).default('ClusterIP'),
      externalName: z.string().optional(),
      allocateLoadBalancerNodePorts: beside(),
      externalIPs: beside(),
      externalTrafficPolicy: beside(),
      healthCheckNodePort: beside(),
      internalTrafficPolicy: beside(),
      ipFamilies: beside(),
      ipFamilyPolicy: beside(),
      loadBalancerClass: beside(),
      loadBalancerIP: beside(),
      loadBalancerSourceRanges: beside(),
      publishNotReadyAddresses: beside(),
      sessionAffinity: beside(),
      sessionAffinityConfig: beside(),
      topologyKeys: beside(),
      trafficDistribution: beside(),
    }),
    status: beside(),
  }),
  review({ spec }, report) {
    const names = new Set<string>();
    const numbers = new Set<string>();
    spec.ports.forEach((each, index) => {
      const path = ['spec', 'ports', index];
      const number = `${each.port}/${each.protocol}`;
      if (numbers.has(number)) report.error([...path, 'port'], `port ${number} is given twice`);
      if (names.has(each.name)) report.error([...path, 'name'], `the name ${each.name || "''"} is given twice`);
      names.add(each.name);
      numbers.add(number);
    });
    if (spec.type === 'ExternalName' && !spec.externalName) report.error(['spec'], 'needs an externalName');
  },
});

export type Service = FieldsOf<typeof service>['spec'];
