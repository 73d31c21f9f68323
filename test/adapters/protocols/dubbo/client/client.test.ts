import { expect, test } from '@jest/globals';
import { NEVER, Observable, retry, throwError } from 'rxjs';
import { type CallsMessages, dubboClient } from '../../../../../adapters/protocols/dubbo/index.js';
import { type CallOptions, type Destination, Failure, type Message, Reply } from '../../../../../src/index.js';
import { recorded } from './recorded.js';
import { asMessage } from './recorded-message.js';

/** A mesh that notes what it is asked and answers as it is told. */
class NotingMesh implements CallsMessages {
  readonly calls: { destination: Destination; message: Message; options: CallOptions | undefined }[] = [];
  cancelled = 0;

  constructor(private readonly answer: (attempt: number) => Observable<Reply> = () => new Observable()) {}

  call(destination: Destination, message: Message, options?: CallOptions): Observable<Reply> {
    return new Observable((subscriber) => {
      this.calls.push({ destination, message, options });
      const answering = this.answer(this.calls.length).subscribe({
        next: (reply) => subscriber.next(reply),
        error: (failure: unknown) => subscriber.error(failure),
        complete: () => subscriber.complete(),
      });
      return () => {
        if (!answering.closed) this.cancelled++;
        answering.unsubscribe();
      };
    });
  }
}

const HELLO = recorded('apache-dubbo-2.7.23-values')[0]!;
const hello = () =>
  new Observable<Reply>((subscriber) => {
    subscriber.next(new Reply(asMessage(HELLO.response!.base64)));
    subscriber.complete();
  });

const shop = { host: 'shop', port: 20880, interface: 'com.acme.ShopService' };

test('what it hands to the mesh reads as a request', () => {
  const mesh = new NotingMesh();
  const client = dubboClient(mesh, { ...shop, version: '1.0.0', group: 'blue' });
  const { signal } = new AbortController();
  client.invoke('priceOf', [42n], { attachments: { 'X-User': 'alice' }, timeoutMs: 500, signal }).subscribe();
  const { destination, message, options } = mesh.calls[0]!;
  expect(destination).toEqual({ host: 'shop', port: 20880 });
  expect(message.kind).toBe('request');
  const keys = ['interface', 'method', 'version', 'group', 'x-user', 'timeout'];
  expect(keys.map((key) => message.get(key))).toEqual([
    'com.acme.ShopService',
    'priceOf',
    '1.0.0',
    'blue',
    'alice',
    '500',
  ]);
  expect(options).toMatchObject({ timeoutMs: 500, signal });
});

test('nothing is called until it is subscribed to, and unsubscribing cancels', () => {
  const mesh = new NotingMesh(() => NEVER);
  const calls = dubboClient(mesh, shop).invoke('slow', [1]);
  expect(mesh.calls).toHaveLength(0);
  const subscription = calls.subscribe();
  expect(mesh.calls).toHaveLength(1);
  subscription.unsubscribe();
  expect(mesh.cancelled).toBe(1);
});

test('RxJS operators call again by subscribing again', async () => {
  const lost = new Failure('CONNECTION_LOST', { sent: 'maybe' });
  const mesh = new NotingMesh((attempt) => (attempt < 3 ? throwError(() => lost) : hello()));
  const values: unknown[] = [];
  dubboClient(mesh, shop)
    .invoke('sayHello', ['world'])
    .pipe(retry(2))
    .subscribe((value) => values.push(value));
  expect(mesh.calls).toHaveLength(3);
  expect(values).toEqual([HELLO.call.result]);
});

test("wrong arguments and what onReply throws are the call's errors, and nobody else's", async () => {
  const mesh = new NotingMesh(hello);
  const client = dubboClient(mesh, shop);
  await expect(client.call('m', ['x'], { types: ['int'] })).rejects.toThrow(
    'm: argument 1: expected int, got string x',
  );
  expect(mesh.calls).toHaveLength(0);
  const onReply = () => {
    throw new Error('of the caller');
  };
  await expect(client.call('sayHello', ['x'], { onReply })).rejects.toThrow('of the caller');
  expect(await client.call('sayHello', ['x'])).toBe(HELLO.call.result);
});

test('a one-way call is a one-way message', async () => {
  const mesh = new NotingMesh(() => new Observable((subscriber) => subscriber.complete()));
  expect(await dubboClient(mesh, shop).oneway('fire', ['x'])).toBeUndefined();
  expect(mesh.calls[0]!.message.kind).toBe('oneway');
  expect(mesh.calls[0]!.message.get('return')).toBe('false');
});

test.each([
  ['host', undefined],
  ['port', undefined],
  ['port', '20880'],
  ['interface', undefined],
  ['interface', ''],
])('a client whose %s is %p is refused when it is made', (key, value) => {
  const options = { host: 'a', port: 1, interface: 'a.B', [key]: value } as never;
  expect(() => dubboClient({} as never, options)).toThrow(
    `dubboClient: ${key} is ${value === '' ? 'empty' : value}; it`,
  );
});
