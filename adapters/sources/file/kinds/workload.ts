/** A workload's address: ServiceEntry's inline endpoints and WorkloadEntry have the same fields. */
import * as z from 'zod';
import { beside, labels, port, text, uint32, without } from '../schema.js';

export const workload = () =>
  z.strictObject({
    address: text().optional(),
    ports: z.record(z.string(), port()).optional(),
    labels: labels().optional(),
    network: without('networks are not told apart; the address must be reachable as it is'),
    locality: z.string().optional(),
    weight: uint32().optional(),
    serviceAccount: beside(),
  });

export type Workload = z.output<ReturnType<typeof workload>>;
