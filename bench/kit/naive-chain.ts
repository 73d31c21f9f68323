import {
  concatMap,
  defer,
  filter,
  finalize,
  map,
  mergeMap,
  Observable,
  of,
  retry,
  tap,
  throwError,
  timeout,
} from 'rxjs';
import type { Message } from '../../src/index.js';
import { decoded, replyFrame } from './frames.js';

/**
 * The mesh as one writes it at first: an RxJS operator for each stage, with `timeout` and `retry`. It does less than the
 * mesh (no outlier detection, no budget, one counter where the mesh has a histogram), and its tables are Maps too.
 */
export function naiveChain(decode: () => Message, routes: number): (count: number) => void {
  const table = new Map<string, { readonly name: string; readonly cluster: string }>();
  for (let i = 0; i < routes - 1; i++) table.set(`method${i}`, { name: `route${i}`, cluster: 'demo' });
  table.set('sayHello', { name: 'route', cluster: 'demo' });
  const endpoints = Array.from({ length: 10 }, (_, i) => ({ address: `10.0.0.${i}`, inflight: 0 }));
  const clusters = new Map([['demo', endpoints]]);
  const counters = { calls: 0, ok: 0, failed: 0, attempts: 0, active: 0 };
  const breaker = { open: false, ok: 0, failed: 0 };
  const bucket = { tokens: Number.POSITIVE_INFINITY };
  const reply = decoded(replyFrame());
  let answer: (() => void) | undefined;
  const send = new Observable<Message>((subscriber) => {
    answer = () => {
      subscriber.next(reply);
      subscriber.complete();
    };
  });

  const attempt = (request: Message, cluster: string): Observable<Message> =>
    defer(() => {
      if (breaker.open) return throwError(() => new Error('circuit open'));
      counters.attempts++;
      counters.active++;
      const among = clusters.get(cluster)!;
      const a = among[Math.floor(Math.random() * among.length)]!;
      const b = among[Math.floor(Math.random() * among.length)]!;
      const endpoint = a.inflight <= b.inflight ? a : b;
      endpoint.inflight++;
      return of(request).pipe(
        map((it) => ({ request: it, endpoint, headers: { env: 'prod' } })),
        mergeMap(() => send),
        timeout(1000),
        tap({ next: () => breaker.ok++, error: () => breaker.failed++ }),
        finalize(() => {
          endpoint.inflight--;
          counters.active--;
        }),
      );
    });

  const call = (message: Message): Observable<Message> =>
    of(message).pipe(
      tap(() => counters.calls++),
      map((request) => ({ request, route: table.get(request.getLower('method') ?? '') })),
      tap((it) => {
        if (it.route === undefined) throw new Error('no route');
      }),
      filter(() => {
        bucket.tokens--;
        return bucket.tokens > 0;
      }),
      concatMap(({ request, route }) => attempt(request, route!.cluster)),
      retry(3),
      timeout(3000),
      map((it) => it),
      tap({ next: () => counters.ok++, error: () => counters.failed++ }),
    );

  return (count) => {
    for (let i = 0; i < count; i++) {
      call(decode()).subscribe();
      answer!();
    }
  };
}
