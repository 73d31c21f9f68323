/**
 * TLS towards the control plane. Certificates are read for each connection, so that renewed ones need no watching. TLS 1.2
 * is the least that Node speaks, and what Aeraki asks for.
 */
import { readFile } from 'node:fs/promises';
import { isIP, type Socket } from 'node:net';
import { ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js';
import type { MetaRdsTls, ResolvedOptions } from './options.js';

/** What a channel is made with. For one channel. */
export interface Security {
  readonly credentials: ChannelCredentials;
  readonly channel: ChannelOptions;
  /** Ends the connections that the channel has, and one that comes about yet. */
  readonly disconnect: () => void;
}

type SecurityOptions = Pick<ResolvedOptions, 'tls' | 'host'> & Partial<Pick<ResolvedOptions, 'keepsProcess'>>;

/** The kernel asks after a quiet peer, and gives it up 10 s later (Node sets 10 probes a second apart). */
const TCP_KEEP_ALIVE_MS = 30_000;

/** @throws Error - a file cannot be read, or holds no PEM that can be used */
export async function security(options: SecurityOptions): Promise<Security> {
  const { tls, host, keepsProcess = true } = options;
  if (tls === undefined) return withSockets(ChannelCredentials.createInsecure(), {}, keepsProcess);
  const [ca, cert, key] = await Promise.all([pem(tls.ca), pem(tls.cert), pem(tls.key)]);
  const verify = tls.verify === 'chain' ? { checkServerIdentity: () => undefined } : {};
  const name = serverName(tls, host);
  const credentials = ChannelCredentials.createSsl(ca, key, cert, verify);
  return withSockets(credentials, name === undefined ? {} : { 'grpc.ssl_target_name_override': name }, keepsProcess);
}

/**
 * Takes note of each socket where gRPC hands it to TLS, as it has no other place for that: closing a channel (of grpc-js
 * 1.14) leaves a connection open whose peer never spoke HTTP/2, and TCP's keep-alive cannot be had by an option. Unlike
 * HTTP/2's pings it may be frequent: servers do not see it.
 */
function withSockets(credentials: ChannelCredentials, channel: ChannelOptions, keepsProcess: boolean): Security {
  const sockets = new Set<Socket>();
  let open = true;
  const create = credentials._createSecureConnector.bind(credentials);
  credentials._createSecureConnector = (...args) => {
    const connector = create(...args);
    const connect = connector.connect.bind(connector);
    connector.connect = (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
      if (!open) socket.destroy();
      const connected = connect(socket);
      if (keepsProcess) return connected;
      leaveProcess(socket);
      return connected.then((result) => {
        leaveProcess(result.socket);
        return result;
      });
    };
    return connector;
  };
  const disconnect = () => {
    open = false;
    for (const socket of sockets) socket.destroy();
  };
  return { credentials, channel, disconnect };
}

/** For good: a stream of HTTP/2 would have it keep the process again. */
function leaveProcess(socket: Socket): void {
  socket.unref();
  socket.ref = () => socket;
}

/** Aeraki's certificate lacks the name with the cluster's domain that its address may have. */
function serverName({ serverName: name }: MetaRdsTls, host: string): string | undefined {
  if (name !== undefined) return name;
  return isIP(host) === 0 ? host.replace(/\.cluster\.local$/, '') : undefined;
}

async function pem(value: string | undefined): Promise<Buffer | null> {
  if (value === undefined) return null;
  return value.includes('-----BEGIN') ? Buffer.from(value) : readFile(value);
}
