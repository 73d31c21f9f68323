import { resolve } from 'node:path';
import type { RuleSource } from '../../src/spi.js';
import type { LoadedConfig } from './config.js';

/**
 * The sources of a configuration with `metards`; loads nothing without.
 * @throws Error - gRPC or protobuf is not installed: they are optional peers
 */
export async function loadMetaRds(
  { metards, node, directory }: LoadedConfig,
  keepsProcess: boolean | undefined,
): Promise<readonly RuleSource[]> {
  if (metards === undefined) return [];
  const { metaRdsSource, withAssumedServices } = await load();
  const { protocol, tls, keepAlive, reconnectBase, reconnectMax, ...rest } = metards;
  const file = (value: string | undefined) =>
    value === undefined || value.includes('-----BEGIN') ? value : resolve(directory, value);
  const source = metaRdsSource(
    defined({
      ...rest,
      nodeId: node.id,
      keepsProcess,
      tls: tls && defined({ ...tls, ca: file(tls.ca), cert: file(tls.cert), key: file(tls.key) }),
      keepAliveMs: keepAlive,
      reconnectBaseMs: reconnectBase,
      reconnectMaxMs: reconnectMax,
    }),
  );
  return protocol === undefined ? [source] : withAssumedServices(source, protocol);
}

async function load() {
  try {
    return await import('../sources/metards/index.js');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      `metards needs packages that are not installed; npm install @grpc/grpc-js @bufbuild/protobuf (${(error as Error).message})`,
      { cause: error },
    );
  }
}

type Defined<T> = { [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] } & {
  [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>;
};

/** Without what is undefined: for options that are left out, not undefined. */
function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Defined<T>;
}
