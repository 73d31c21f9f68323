import { Observable } from 'rxjs';
import type { CallOptions, Destination, Message, Reply } from '../../../../src/index.js';
import { ByteQueue, type Codec } from '../../../../src/message/index.js';
import { dubbo } from '../protocol.js';
import { replyValue } from './reply.js';
import { RequestEncoder } from './request.js';

/** What the client needs of a mesh, which is one method. */
export interface CallsMessages {
  /** Cold: each subscription is a call. Emits one reply and completes, or errors with a Failure. */
  call(destination: Destination, message: Message, options?: CallOptions): Observable<Reply>;
}

export interface DubboClientOptions extends Destination {
  /** The service's Java interface, such as `com.acme.ShopService`. */
  readonly interface: string;
  /** @defaultValue none, which the wire writes as `0.0.0` */
  readonly version?: string;
  /** @defaultValue none */
  readonly group?: string;
  /** Sent as `remote.application`, by which providers tell their consumers apart. @defaultValue none */
  readonly application?: string;
  /** The version of the protocol, not of the service. Providers send reply attachments from 2.0.2 on. @defaultValue '2.0.2' */
  readonly dubboVersion?: string;
}

export interface DubboCallOptions {
  /**
   * The parameters' Java types: `int`, `java.util.List`, `com.acme.Order[]`, or descriptors. They choose the overload, and
   * tell 1 the int from 1 the long. Without them: string, boolean, int (integers of 32 bits), long (larger ones and
   * bigint), double, Date, byte[] (Buffer), List (array), Set, Map (objects and Map), and what `{ $class, $ }` says.
   */
  readonly types?: readonly string[];
  readonly attachments?: Readonly<Record<string, string>>;
  /** The call's deadline, told to the provider too. @defaultValue what the route says */
  readonly timeoutMs?: number;
  /** Aborting it cancels the call. */
  readonly signal?: AbortSignal;
  /** Sees the reply before its value is read: attachments by `reply.get(key)`. */
  readonly onReply?: (reply: Reply) => void;
}

/**
 * Calls the methods of one Dubbo service through the mesh. Make one per service and keep it: it costs a few hundred bytes.
 *
 * Errors: what the method threw is a {@link DubboException}; a framework's refusal, a {@link DubboFrameworkError}; what
 * went wrong before an answer came, a Failure of the mesh; arguments that do not fit their types, a TypeError.
 *
 * Values come as JavaScript has them: a long above 2^53 as bigint, a map with other keys than strings as Map, an object
 * with its class in `$class` of its prototype, so that it can be sent back as it is.
 */
export class DubboClient {
  readonly #mesh: CallsMessages;
  readonly #destination: Destination;
  readonly #encoder: RequestEncoder;
  readonly #codec: Codec = dubbo.open('downstream');
  readonly #queue = new ByteQueue();

  /** @throws TypeError - host, port or interface is missing or no such thing */
  constructor(mesh: CallsMessages, options: DubboClientOptions) {
    for (const key of ['host', 'interface'] as const) {
      if (typeof options[key] !== 'string' || options[key] === '') {
        throw new TypeError(`dubboClient: ${key} is ${options[key] === '' ? 'empty' : options[key]}; it must be text`);
      }
    }
    if (!Number.isInteger(options.port))
      throw new TypeError(`dubboClient: port is ${options.port}; it must be a number`);
    this.#mesh = mesh;
    this.#destination = { host: options.host, port: options.port };
    this.#encoder = new RequestEncoder({
      interface: options.interface,
      version: options.version,
      group: options.group,
      application: options.application,
      dubboVersion: options.dubboVersion ?? '2.0.2',
    });
  }

  /** Cold: each subscription is a new call. Emits the method's value (null for void) and completes. */
  invoke(method: string, args: readonly unknown[] = [], options: DubboCallOptions = {}): Observable<unknown> {
    return new Observable((subscriber) =>
      this.#send(method, args, options, false).subscribe({
        next: (reply) => {
          let value: unknown;
          try {
            options.onReply?.(reply);
            value = reply.message === undefined ? undefined : replyValue(reply.message);
          } catch (error) {
            subscriber.error(error);
            return;
          }
          subscriber.next(value);
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    );
  }

  /**
   * {@link invoke} as a promise: a call at once.
   * @typeParam T - what the caller knows the method to return; nothing checks it
   */
  call<T = unknown>(method: string, args: readonly unknown[] = [], options: DubboCallOptions = {}): Promise<T> {
    return promised(this.invoke(method, args, options)) as Promise<T>;
  }

  /** Java's generic invocation, for methods whose classes this side does not know: objects are maps with a `class`. */
  generic(
    method: string,
    types: readonly string[],
    args: readonly unknown[],
    options: Omit<DubboCallOptions, 'types'> = {},
  ): Promise<unknown> {
    return this.call('$invoke', [method, types, args], {
      ...options,
      types: ['java.lang.String', 'java.lang.String[]', 'java.lang.Object[]'],
      attachments: { ...options.attachments, generic: 'true' },
    });
  }

  /** Answered by every Dubbo service with the value: is the provider there? */
  echo(value: unknown, options: Omit<DubboCallOptions, 'types'> = {}): Promise<unknown> {
    return this.call('$echo', [value], { ...options, types: ['java.lang.Object'] });
  }

  /** Resolves when the request was written; the provider answers nothing. */
  async oneway(method: string, args: readonly unknown[] = [], options: DubboCallOptions = {}): Promise<void> {
    await promised(this.#send(method, args, options, true));
  }

  /** Encodes when subscribed, so that a wrong argument is the Observable's error. */
  #send(method: string, args: readonly unknown[], options: DubboCallOptions, oneway: boolean): Observable<Reply> {
    const { types, attachments, timeoutMs } = options;
    return new Observable((subscriber) => {
      const frame = this.#encoder.encode({ method, args, types, attachments, timeoutMs, oneway });
      return this.#mesh.call(this.#destination, this.#message(frame), options).subscribe(subscriber);
    });
  }

  #message(frame: Buffer): Message {
    this.#queue.push(frame);
    try {
      return this.#codec.decode(this.#queue)!;
    } finally {
      this.#queue.clear();
    }
  }
}

/**
 * A client of one Dubbo service.
 * @param mesh - or anything that calls messages.
 */
export function dubboClient(mesh: CallsMessages, options: DubboClientOptions): DubboClient {
  return new DubboClient(mesh, options);
}

function promised<T>(calls: Observable<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let last: T | undefined;
    calls.subscribe({
      next: (value) => {
        last = value;
      },
      error: reject,
      complete: () => resolve(last),
    });
  });
}
