import { afterEach, expect, test } from '@jest/globals';
import { firstValueFrom, NEVER, type Observable, skip } from 'rxjs';
import type { RuleChange, RuleSource, SourceContext } from '../../src/rules/index.js';
import { DEMO, demoService, message, policy, type World, world, YamlSource } from './support.js';

let it: World;
afterEach(() => it.mesh.close());

/** A source that only listens. */
class Listening implements RuleSource {
  readonly name = 'listening';
  readonly precedence = 100;
  context!: SourceContext;

  watch(context?: SourceContext): Observable<readonly RuleChange[]> {
    this.context = context!;
    return NEVER;
  }
}

test('sources are told which services are in use: none at first, then each once it is called, until it is gone', async () => {
  const source = new YamlSource(demoService);
  const listening = new Listening();
  it = world(undefined, { sources: [source, listening], initialTimeoutMs: 0 });
  it.server('10.0.0.1');
  it.server('10.0.0.2');
  await it.mesh.ready().catch(() => {});
  const { inUse } = listening.context;
  expect(await firstValueFrom(inUse)).toEqual(new Set());
  const used = firstValueFrom(inUse.pipe(skip(1)));
  const told: number[] = [];
  inUse.subscribe((keys) => told.push(keys.size));
  await Promise.all([1, 2, 3].map(() => firstValueFrom(it.mesh.call(DEMO, message('request', 'x')))));
  expect(await used).toEqual(new Set(['demo.test_9000']));
  source.set(demoService + policy('timeout: 1s'));
  const gone = firstValueFrom(inUse.pipe(skip(1)));
  source.set('');
  expect(await gone).toEqual(new Set());
  expect(told).toEqual([0, 1, 0]);
});
