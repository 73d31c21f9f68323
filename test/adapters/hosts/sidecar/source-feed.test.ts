import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BehaviorSubject, Subject } from 'rxjs';
import { SourceFeed } from '../../../../adapters/hosts/sidecar/source-feed.js';
import type { FromWorker, ToWorker } from '../../../../adapters/hosts/sidecar/workers/messages.js';
import { Outbox } from '../../../../adapters/hosts/sidecar/workers/outbox.js';
import { workerSource } from '../../../../adapters/hosts/sidecar/workers/worker-source.js';
import type { EndpointsRule, RuleChange, RuleSource, SourceContext } from '../../../../src/spi.js';
import { systemRuntime } from '../../../../src/spi.js';

const upsert = (key: string, address = '10.0.0.1'): RuleChange => {
  const endpoint = { address, port: 1, labels: {}, weight: 1, locality: '', priority: 0, tlsMode: undefined };
  const rule: EndpointsRule = { key, endpoints: [endpoint], from: { source: 'test', origin: 'test' } };
  return { type: 'upsert', kind: 'endpoints', rule };
};
const remove = (key: string): RuleChange => ({ type: 'remove', kind: 'endpoints', key });
const complete: RuleChange = { type: 'complete' };

/** A source that the test speaks for. */
class Spoken implements RuleSource {
  readonly name = 'spoken';
  readonly precedence = 200;
  watches = 0;
  readonly said = new Subject<readonly RuleChange[]>();
  inUse: ReadonlySet<string> | undefined;

  watch(context?: SourceContext) {
    this.watches++;
    context?.inUse.subscribe((keys) => {
      this.inUse = keys;
    });
    return this.said;
  }
}

/** What a mesh would have by now, and what it was told. */
class Heard {
  readonly rules = new Map<string, string>();
  readonly batches: (readonly RuleChange[])[] = [];
  error: unknown;

  constructor(source: RuleSource, context?: SourceContext) {
    source.watch(context).subscribe({
      next: (batch) => {
        this.batches.push(batch);
        for (const change of batch) {
          if (change.type === 'upsert' && change.kind === 'endpoints')
            this.rules.set(change.rule.key, change.rule.endpoints[0]!.address);
          if (change.type === 'remove') this.rules.delete(change.key);
        }
      },
      error: (error: unknown) => {
        this.error = error;
      },
    });
  }
}

describe('a source feed', () => {
  test('is followed once, and tells who comes later all there is, in one batch', () => {
    const source = new Spoken();
    const feed = new SourceFeed(source);
    const first = new Heard(feed);
    source.said.next([upsert('a'), upsert('b'), { type: 'state', state: 'connecting', version: '7' }, complete]);
    source.said.next([remove('a'), { type: 'problem', message: 'odd' }]);
    const second = new Heard(feed);
    expect(second.batches).toEqual([
      [upsert('b'), { type: 'problem', message: 'odd' }, complete, { type: 'state', state: 'live', version: '7' }],
    ]);
    source.said.next([{ type: 'state', state: 'stale', error: 'gone' }]);
    expect(new Heard(feed).batches[0]!.at(-1)).toEqual({ type: 'state', state: 'stale', version: '7', error: 'gone' });
    expect(first.batches).toHaveLength(3);
    expect(source.watches).toBe(1);
  });

  test('a failure is told to who comes later, too', () => {
    const source = new Spoken();
    const feed = new SourceFeed(source);
    new Heard(feed);
    source.said.error(new Error('bad'));
    expect(new Heard(feed).error).toEqual(new Error('bad'));
  });

  test('asks its source for what all of its followers use', () => {
    const source = new Spoken();
    const feed = new SourceFeed(source);
    const uses = (...keys: string[]) => new BehaviorSubject<ReadonlySet<string>>(new Set(keys));
    const [one, two] = [uses('a'), uses('b')];
    const runtime = systemRuntime();
    feed.watch({ runtime, inUse: one }).subscribe();
    const second = feed.watch({ runtime, inUse: two }).subscribe();
    expect(source.inUse).toEqual(new Set(['a', 'b']));
    one.next(new Set(['a', 'c']));
    expect(source.inUse).toEqual(new Set(['a', 'c', 'b']));
    second.unsubscribe();
    expect(source.inUse).toEqual(new Set(['a', 'c']));
  });

  test('read again, it passes on what differs, and follows the new one; a failure leaves all as it was', async () => {
    const [before, after, bad] = [new Spoken(), new Spoken(), new Spoken()];
    const feed = new SourceFeed(before);
    const heard = new Heard(feed);
    before.said.next([upsert('a'), upsert('b'), upsert('c'), complete]);
    const failed = feed.reread(bad);
    bad.said.next([upsert('d')]);
    bad.said.error(new Error('bad'));
    await expect(failed).rejects.toThrow('bad');
    const done = feed.reread(after);
    after.said.next([upsert('a'), upsert('b', '10.0.0.2')]);
    expect(heard.batches).toHaveLength(1);
    after.said.next([complete]);
    await done;
    expect(heard.batches[1]).toEqual([remove('c'), upsert('b', '10.0.0.2'), complete]);
    before.said.next([upsert('x')]);
    after.said.next([upsert('y')]);
    expect([...heard.rules.keys()]).toEqual(['a', 'b', 'y']);
  });
});

test('what is read again after a failure is told to who comes later, as if it had not failed', async () => {
  const [before, after] = [new Spoken(), new Spoken()];
  const feed = new SourceFeed(before);
  new Heard(feed);
  before.said.error(new Error('bad'));
  const done = feed.reread(after);
  after.said.next([upsert('a'), complete]);
  await done;
  expect(feed.hasFailed).toBe(false);
  const heard = new Heard(feed);
  expect(heard.error).toBeUndefined();
  expect([...heard.rules.keys()]).toEqual(['a']);
});

describe('a source that is asked for the services in use', () => {
  const of = (...keys: string[]): RuleChange => ({ type: 'complete', of: new Set(keys) });

  function rereading(...inUse: string[]) {
    const [before, after] = [new Spoken(), new Spoken()];
    const feed = new SourceFeed(before);
    const uses = new BehaviorSubject<ReadonlySet<string>>(new Set(inUse));
    const heard = new Heard(feed, { runtime: systemRuntime(), inUse: uses });
    before.said.next([upsert('a'), upsert('b'), of('a', 'b')]);
    const done = feed.reread(after);
    return { after, uses, heard, done };
  }

  test('is read again once it has said all it has of each; none is gone for a moment', async () => {
    const { after, heard, done } = rereading('a', 'b');
    after.said.next([upsert('a', '10.0.0.2'), of('a')]);
    expect(heard.batches).toHaveLength(1);
    after.said.next([upsert('a'), upsert('b', '10.0.0.2'), of('a', 'b')]);
    await done;
    expect(heard.batches.slice(1)).toEqual([[upsert('b', '10.0.0.2'), of('a', 'b')]]);
  });

  test('is not waited for when what it has not said is in use no longer', async () => {
    const { after, uses, heard, done } = rereading('a', 'b');
    after.said.next([upsert('a'), of('a')]);
    uses.next(new Set(['a']));
    await done;
    expect([...heard.rules.keys()]).toEqual(['a']);
  });
});

describe('a feed that is retired', () => {
  test('goes on until its last follower has gone, and whoever asks late is told what there was', () => {
    const source = new Spoken();
    const feed = new SourceFeed(source);
    const [first, second] = [feed.watch().subscribe(), feed.watch().subscribe()];
    source.said.next([upsert('a'), complete]);
    feed.retire();
    first.unsubscribe();
    expect(source.said.observed).toBe(true);
    second.unsubscribe();
    expect(source.said.observed).toBe(false);
    expect([...new Heard(feed).rules.keys()]).toEqual(['a']);
  });

  test('is closed at once if nobody follows it', async () => {
    const source = new Spoken();
    const feed = new SourceFeed(source);
    const done = feed.reread();
    source.said.next([complete]);
    await done;
    expect(source.said.observed).toBe(true);
    feed.retire();
    expect(source.said.observed).toBe(false);
  });
});

test('a source that does not say all it has is given up, and the one before goes on', async () => {
  const [before, silent] = [new Spoken(), new Spoken()];
  const feed = new SourceFeed(before);
  const heard = new Heard(feed);
  before.said.next([upsert('a'), complete]);
  const giveUp = new AbortController();
  const failed = feed.reread(silent, giveUp.signal);
  giveUp.abort(new Error('too late'));
  await expect(failed).rejects.toThrow('too late');
  expect(silent.said.observed).toBe(false);
  before.said.next([upsert('b')]);
  expect([...heard.rules.keys()]).toEqual(['a', 'b']);
});

describe('on its way to a worker', () => {
  /** A channel whose messages are taken when the test says so, cloned as between processes. */
  function channel(feed: RuleSource) {
    const taken: (() => void)[] = [];
    let listener: (message: ToWorker) => void = () => {};
    let box: Outbox | undefined;
    const inUse = new BehaviorSubject<ReadonlySet<string>>(new Set());
    const send = (message: ToWorker) =>
      new Promise<void>((resolve) => {
        const copy = structuredClone(message);
        taken.push(() => {
          listener(copy);
          resolve();
        });
      });
    const end = {
      send(message: FromWorker) {
        if (message.type === 'watch') box = new Outbox(message.watch, feed, { runtime: systemRuntime(), inUse }, send);
        if (message.type === 'in-use') inUse.next(message.inUse);
        if (message.type === 'unwatch') box?.close();
      },
      listen(to: (message: ToWorker) => void) {
        listener = to;
        return () => {};
      },
    };
    const source = workerSource({ name: feed.name, precedence: feed.precedence }, end);
    /** Takes so many messages. */
    const take = async (count: number) => {
      for (let i = 0; i < count && taken.length > 0; i++) {
        taken.shift()!();
        await new Promise(setImmediate);
      }
    };
    return { source, take, waiting: () => taken.length, inUse };
  }

  test('a large batch goes in pieces and arrives as one', async () => {
    const source = new Spoken();
    const { source: far, take } = channel(new SourceFeed(source));
    const heard = new Heard(far);
    const batch = [...Array.from({ length: 300 }, (_, i) => upsert(`k${i}`)), complete];
    source.said.next(batch);
    await take(4);
    expect(heard.batches).toEqual([]);
    await take(1);
    expect(heard.batches).toEqual([batch]);
  });

  test('however slow the worker is, nothing piles up, and in the end it has what there is', async () => {
    const key = fc.integer({ min: 0, max: 12 }).map((n) => `k${n}`);
    const change = fc.oneof(
      fc.tuple(key, fc.nat(3)).map(([of, n]) => upsert(of, `10.0.0.${n}`)),
      key.map((of) => remove(of)),
    );
    const step = fc.record({ batch: fc.array(change, { maxLength: 4 }), times: fc.nat(40), takes: fc.nat(20) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const source = new Spoken();
        const feed = new SourceFeed(source);
        const here = new Heard(feed);
        const { source: far, take, waiting } = channel(feed);
        const there = new Heard(far);
        for (const { batch, times, takes } of steps) {
          for (let i = 0; i <= times; i++) source.said.next(batch);
          expect(waiting()).toBeLessThanOrEqual(1);
          await take(takes);
        }
        await take(1000);
        expect(there.rules).toEqual(here.rules);
      }),
      { numRuns: 40 },
    );
  });

  test('what the worker uses reaches the source, and its failure the worker', async () => {
    const source = new Spoken();
    const { source: far, take } = channel(new SourceFeed(source));
    const inUse = new BehaviorSubject<ReadonlySet<string>>(new Set());
    const heard = new Heard(far, { runtime: systemRuntime(), inUse });
    inUse.next(new Set(['a']));
    expect(source.inUse).toEqual(new Set(['a']));
    source.said.error(new Error('for good'));
    await take(1);
    expect(heard.error).toEqual(new Error('for good'));
  });
});
