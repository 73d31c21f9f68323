import 'reflect-metadata';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Container, inject, injectable } from 'inversify';
import { firstValueFrom, type Observable, of } from 'rxjs';
import { MeshInterceptor, MeshTokens, meshModule } from '../../../adapters/inversify/index.js';
import { type Peer, startPeer } from '../../../examples/demo/peers/start-peer.js';
import { RulesFolder, services } from '../../../examples/demo/rules.js';
import { appContainer, DemoService } from '../../../examples/inversify/app.js';
import { Tenants, type Tenants as TenantsContract } from '../../../examples/inversify/tenant-tagging.js';
import { type Call, type Next, Reply, type RuleSource } from '../../../src/index.js';
import type { ServiceRule } from '../../../src/spi.js';
import { from, message, protocol, routeRule } from '../../pipeline/support.js';

describe('the example service', () => {
  let provider: Peer;
  let rules: RulesFolder;

  beforeAll(async () => {
    provider = await startPeer(join(import.meta.dirname, '../../../examples/demo/peers/provider.mjs'));
    rules = await RulesFolder.create();
    await rules.write('services.yaml', services(provider.port, provider.port));
  });

  afterAll(() => Promise.all([provider.stop(), rules.remove()]));

  async function seenTenant(container: Container): Promise<unknown> {
    const client = await container.getAsync(DemoService);
    const seen = (await client.call('attachments', [])) as Record<string, unknown>;
    await container.unbindAsync(MeshTokens.Mesh);
    return seen.tenant;
  }

  test('tags calls with the tenant of its directory', async () => {
    expect(await seenTenant(appContainer(rules.path))).toBe('acme');
  });

  test('with the directory replaced, with the tenant of that one', async () => {
    const container = appContainer(rules.path);
    (await container.rebind(Tenants)).toConstantValue({ current: () => 'umbrella' } satisfies TenantsContract);
    expect(await seenTenant(container)).toBe('umbrella');
  });
});

describe('what is bound', () => {
  const answer = new Reply(message('response'));
  const rule: ServiceRule = {
    key: 'demo_1',
    host: 'demo',
    port: 1,
    portName: 'tcp-metaprotocol-test',
    protocol: 'test',
    addresses: [],
    serviceKey: undefined,
    routes: [routeRule],
    inboundRateLimit: undefined,
    workload: undefined,
    policy: {},
    resolution: 'STATIC',
    createdAt: 0,
    from,
  };
  const source: RuleSource = {
    name: 'code',
    precedence: 400,
    watch: () => of([{ type: 'upsert', kind: 'service', rule }, { type: 'complete' }]),
  };
  const order: string[] = [];

  @MeshInterceptor()
  class Inner {
    intercept(_call: Call, _next: Next): Observable<Reply> {
      order.push('Inner');
      return of(answer);
    }
  }

  @MeshInterceptor({ before: [Inner] })
  class Outer {
    constructor(@inject('greeting') private readonly greeting: string) {}

    intercept(call: Call, next: Next): Observable<Reply> {
      order.push(this.greeting);
      return next(call);
    }
  }

  test('joins the plan by role order, whatever order it was bound in', async () => {
    const container = new Container();
    container.bind('greeting').toConstantValue('Outer');
    container.bind(MeshTokens.RuleSource).toConstantValue(source);
    container.bind(MeshTokens.Protocol).toConstantValue(protocol);
    container.load(meshModule({ interceptors: [Inner, Outer] }));
    const mesh = await container.getAsync(MeshTokens.Mesh);
    await mesh.ready();
    expect(await firstValueFrom(mesh.call({ host: 'demo', port: 1 }, message()))).toBe(answer);
    expect(order).toEqual(['Outer', 'Inner']);
    expect(await container.getAsync(MeshTokens.Mesh)).toBe(mesh);
    await container.unbindAsync(MeshTokens.Mesh);
    await expect(firstValueFrom(mesh.call({ host: 'demo', port: 1 }, message()))).rejects.toThrow('DRAINING');
  });

  test('an undecorated class is refused by name', async () => {
    @injectable()
    class Plain {
      intercept(): void {}
    }
    const container = new Container();
    container.bind(MeshTokens.Interceptor).to(Plain);
    container.load(meshModule({ config: {} }));
    await expect(container.getAsync(MeshTokens.Mesh)).rejects.toThrow('Plain is bound as an interceptor: decorate it');
  });
});
