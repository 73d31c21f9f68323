import type * as z from 'zod';
import type { Place, Report } from '../problem.js';

/** An object of the rules as it was read: checked, with defaults where the schema has some. */
export interface RuleObject<Spec = unknown> {
  readonly kind: string;
  /** Empty if the document has none. */
  readonly name: string;
  /** `default` where the document says nothing. */
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Unix ms; MAX_SAFE_INTEGER where the document doesn't say: the youngest. */
  readonly createdAt: number;
  /** `MetaRouter meta-dubbo/demo` */
  readonly title: string;
  readonly place: Place;
  readonly spec: Spec;
}

/** What a kind is: one definition a kind, in a file each. */
export interface Kind<Schema extends z.ZodType = z.ZodType> {
  readonly kind: string;
  /** API group with its slash, or empty for Kubernetes' core. Versions are not told apart. */
  readonly group: string;
  readonly versions: readonly string[];
  /** Fields beside apiVersion, kind, metadata and status: mostly `spec`. */
  readonly schema: Schema;
  /** Checks that go beyond one field; runs when the schema holds. */
  review?(fields: z.output<Schema>, report: Report): void;
}

export const defineKind = <Schema extends z.ZodType>(kind: Kind<Schema>): Kind<Schema> => kind;
export type FieldsOf<K> = K extends Kind<infer Schema> ? z.output<Schema> : never;
