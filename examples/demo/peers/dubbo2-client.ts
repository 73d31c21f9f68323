import { DirectlyDubbo, java } from 'dubbo2.js';

/** What the demo's provider serves, as far as dubbo2.js is asked for it here. */
export interface Dubbo2DemoService {
  sayHello(name: string): Promise<string>;
  attachments(): Promise<Record<string, unknown>>;
  slow(ms: number): Promise<string>;
  ping(): Promise<null>;
  nothing(text: string): Promise<null>;
  failChecked(message: string): Promise<never>;
  failRuntime(message: string): Promise<never>;
  echoMap(map: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** No provider has it. */
  noSuchMethod(): Promise<never>;
}

export interface Dubbo2Client extends Dubbo2DemoService {
  /** dubbo2.js has no end of its own: it would reconnect 20 times and keep the process alive. */
  close(): void;
}

export interface Dubbo2Options {
  readonly interface?: string;
  /** Written into body and attachments as it is. @defaultValue '0.0.0', what Java writes for "none" */
  readonly version?: string;
  readonly group?: string;
  /** @defaultValue 10 000 */
  readonly timeoutMs?: number;
  /** The protocol version it claims: from 2.0.2 on, Java providers send reply attachments. @defaultValue '2.0.2' */
  readonly dubboVersion?: string;
}

/** An unmodified npm dubbo2.js client, without a registry, for whatever listens at `host:port`. */
export function dubbo2Client(address: { host: string; port: number }, options: Dubbo2Options = {}): Dubbo2Client {
  const dubbo = DirectlyDubbo.from({
    dubboAddress: `${address.host}:${address.port}`,
    dubboVersion: options.dubboVersion ?? '2.0.2',
    dubboInvokeTimeout: (options.timeoutMs ?? 10_000) / 1000,
  });
  const text = (value: string) => [java.String(value)];
  const methods = {
    sayHello: text,
    attachments: () => [],
    slow: (ms: number) => [java.int(ms)],
    ping: () => [],
    nothing: text,
    failChecked: text,
    failRuntime: text,
    echoMap: (map: object) => [java.Map(map)],
    noSuchMethod: () => [],
  };
  const service = dubbo.proxyService<Record<keyof Dubbo2DemoService, (...args: unknown[]) => Promise<GoResult>>>({
    dubboInterface: options.interface ?? 'org.apache.dubbo.samples.basic.api.DemoService',
    version: options.version ?? '0.0.0',
    ...(options.group === undefined ? {} : { group: options.group }),
    methods,
  });
  const client: Record<string, unknown> = { close: () => close(dubbo) };
  for (const name of Object.keys(methods) as (keyof Dubbo2DemoService)[]) {
    client[name] = async (...args: unknown[]) => {
      const { res, err } = await service[name](...args);
      if (err) throw err;
      return res;
    };
  }
  return client as unknown as Dubbo2Client;
}

/** dubbo2.js answers Go-like, with both. */
interface GoResult {
  readonly res: unknown;
  readonly err: Error | null;
}

function close(dubbo: unknown): void {
  const worker = (dubbo as { _socketWorker: { _retry: number; _socket: { destroy(): void } } })._socketWorker;
  worker._retry = 0;
  worker._socket.destroy();
}
