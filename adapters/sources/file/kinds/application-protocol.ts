import * as z from 'zod';
import { beside, text } from '../schema.js';
import { defineKind, type FieldsOf } from './kind.js';

/** Aeraki's name for a codec: which one reads a port named `tcp-metaprotocol-<protocol>`. */
export const applicationProtocol = defineKind({
  kind: 'ApplicationProtocol',
  group: 'metaprotocol.aeraki.io/',
  versions: ['v1alpha1'],
  schema: z.strictObject({ spec: z.strictObject({ protocol: text(), codec: text() }), status: beside() }),
  review({ spec }, report) {
    if (spec.protocol.includes('-')) {
      report.error(['spec', 'protocol'], 'a dash ends the protocol in a port name, so no port can ever name it');
    }
  },
});

export type ApplicationProtocol = FieldsOf<typeof applicationProtocol>['spec'];
