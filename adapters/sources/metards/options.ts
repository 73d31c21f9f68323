import { parseServiceKey } from './translate/route-table.js';

/** Where Aeraki is, and how it is asked. */
export interface MetaRdsOptions {
  /** `<host>:<port>`, such as `aeraki.istio-system:15010`. Each connection resolves the name anew. */
  readonly address: string;
  /**
   * Which services' routes to ask for. `all`: of the whole mesh, in one answer. `used`: of those that this process calls;
   * the first calls of each go by the routes it has without MetaRDS, until the answer is there. Or `<host>_<port>` of each.
   * @defaultValue 'all'
   */
  readonly names?: 'all' | 'used' | readonly string[];
  /** Without it the connection is in plain text, as Aeraki up to 1.4.1 has it; later ones want mutual TLS. */
  readonly tls?: MetaRdsTls;
  /** What Aeraki's log calls this process; a part that differs for each connection is appended. @defaultValue host name and pid */
  readonly nodeId?: string;
  /** An answer of more bytes ends the stream. Aeraki's holds all routes of the mesh, 0.7 KB for a service of five. @defaultValue 64 MiB */
  readonly maxMessageBytes?: number;
  /**
   * A quiet connection is probed so often, in ms, and given up if nothing comes within 20 s. Servers made with grpc-go,
   * like Aeraki, hang up on clients that probe more often than every 5 minutes.
   * @defaultValue 310,000
   */
  readonly keepAliveMs?: number;
  /** Wait before the first new attempt after a loss, in ms: at most, and at least half. It doubles with each failure. @defaultValue 1,000 */
  readonly reconnectBaseMs?: number;
  /** The longest such wait. @defaultValue 30,000 */
  readonly reconnectMaxMs?: number;
  /** Does the connection keep the process from ending? @defaultValue true */
  readonly keepsProcess?: boolean;
}

/**
 * Certificates, each as PEM text or the path of a file, which is read again for every connection: certificates that Istio
 * has renewed are used from the next one on. An open connection outlives its certificate.
 */
export interface MetaRdsTls {
  /** Whom to trust. @defaultValue the system's certificate authorities */
  readonly ca?: string;
  /** Our own certificate with its chain, and its key; Aeraki wants them, signed by Istio's authority. */
  readonly cert?: string;
  readonly key?: string;
  /** `name`: the server's certificate must be for `serverName`. `chain`: any that `ca` signed will do, as for Aeraki's sidecars. @defaultValue 'name' */
  readonly verify?: 'name' | 'chain';
  /**
   * Aeraki's certificate has `aeraki`, `aeraki.<namespace>` and `aeraki.<namespace>.svc`.
   * @defaultValue the host of the address, without `.cluster.local`
   */
  readonly serverName?: string;
}

/** {@link MetaRdsOptions}, checked, with defaults. */
export interface ResolvedOptions extends Required<Omit<MetaRdsOptions, 'tls' | 'nodeId'>> {
  readonly host: string;
  readonly tls: MetaRdsTls | undefined;
  readonly nodeId: string | undefined;
}

/** @throws TypeError - an option that cannot be */
export function resolveOptions(options: MetaRdsOptions): ResolvedOptions {
  const { address, tls, nodeId, names = 'all' } = options;
  const parts = /^(?:\[([^\]]+)\]|([^:/\s]+)):(\d{1,5})$/.exec(address);
  const host = parts?.[1] ?? parts?.[2];
  if (host === undefined || Number(parts![3]) > 65535) {
    throw new TypeError(
      `metards: the address '${address}' is none; write <host>:<port>, such as aeraki.istio-system:15010`,
    );
  }
  if (typeof names === 'string' ? !['all', 'used'].includes(names) : names.length === 0) {
    throw new TypeError("metards: names must be 'all', 'used', or a list of <host>_<port> that is not empty");
  }
  for (const name of typeof names === 'string' ? [] : names) {
    if (parseServiceKey(name) === undefined)
      throw new TypeError(`metards: the name '${name}' is none; write <host>_<port>`);
  }
  if (tls !== undefined && (tls.cert === undefined) !== (tls.key === undefined)) {
    throw new TypeError('metards: tls.cert and tls.key belong together; give both or none');
  }
  const resolved = {
    ...{ address, host, tls, nodeId, names },
    maxMessageBytes: options.maxMessageBytes ?? 64 * 1024 * 1024,
    keepAliveMs: options.keepAliveMs ?? 310_000,
    reconnectBaseMs: options.reconnectBaseMs ?? 1_000,
    reconnectMaxMs: options.reconnectMaxMs ?? 30_000,
    keepsProcess: options.keepsProcess ?? true,
  };
  for (const name of ['maxMessageBytes', 'keepAliveMs', 'reconnectBaseMs', 'reconnectMaxMs'] as const) {
    const value = resolved[name];
    if (!(value > 0 && value <= MAX_INT32))
      throw new TypeError(`metards: ${name} is ${value}; it must be above 0, and below 2^31`);
  }
  return resolved;
}

const MAX_INT32 = 0x7fffffff;
