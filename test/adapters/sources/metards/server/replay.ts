/**
 * Plays the client's and the operator's part of a recorded scenario to a server, and compares what it answers with what
 * the real server answered: resources, their routes, nonces, which versions are equal, and silence. Time is manual, the
 * sockets are real.
 */

import type { ChannelCredentials } from '@grpc/grpc-js';
import { expect } from '@jest/globals';
import { filter, firstValueFrom } from 'rxjs';
import type { MetaRdsServer } from '../../../../../adapters/sources/metards/server/index.js';
import type { ManualRuntime } from '../../../../../src/testing/index.js';
import { readGolden } from '../recorded.js';
import { RouteClient, routesIn, type TestStream } from './route-client.js';

interface Message {
  readonly node?: { readonly id: string };
  readonly resourceNames: readonly string[];
  readonly responseNonce: string;
  readonly versionInfo: string;
  readonly typeUrl: string;
  readonly errorDetail?: { readonly code: number; readonly message: string };
  readonly nonce: string;
  readonly resources: readonly { readonly name: string; readonly routes: readonly string[] }[];
}

interface Event {
  readonly t_ms: number;
  readonly direction: 'client->server' | 'server->client' | 'control' | 'note';
  readonly stream?: string;
  readonly summary: string;
  readonly message?: Message;
}

export interface Scenario {
  readonly name: string;
  readonly outcome: Record<string, string>;
  readonly events: readonly Event[];
}

export const scenarios: readonly Scenario[] = JSON.parse(readGolden('wire-behaviour.json')).scenarios;
export const scenarioOf = (name: string): Scenario => scenarios.find((it) => it.name === name)!;

/** Times were recorded once: within so many ms a response may come earlier, and within the other later. */
const EARLY_MS = 50;
const LATE_MS = 5;
const STORM = 100;

export class Replay {
  readonly #streams = new Map<string, TestStream>();
  readonly #joined = new Set<string>();
  /** Our version for each recorded one. */
  readonly #versions = new Map<string, string>();
  readonly #mesh = new Map<string, string>();
  #lastNonce = '';
  #now = 0;

  constructor(
    private readonly server: MetaRdsServer,
    private readonly runtime: ManualRuntime,
    private readonly credentials: () => ChannelCredentials,
    /** For a response that is due, in real time; it is waited for in vain only where a test must fail. */
    private readonly patienceMs = 30_000,
  ) {}

  async run({ events }: Scenario): Promise<void> {
    this.#publish();
    for (const event of events) {
      if (event.direction === 'control') await this.#control(event);
      else if (event.direction === 'note') await this.#note(event);
      else if (event.direction === 'client->server') await this.#client(event);
      else await this.#response(event);
    }
    await this.#silent();
    this.close();
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.close();
  }

  async #control({ t_ms, summary }: Event): Promise<void> {
    await this.#advance(t_ms);
    const [, route] = /route (\S+)\)|routes (from-1) to/.exec(summary)?.filter((it) => it !== undefined) ?? [];
    const [, name] =
      /services? (\w)(?: created| deleted)|MetaRouter (?:of|for) (\w)/
        .exec(summary)
        ?.filter((it) => it !== undefined) ?? [];
    for (const [, list] of summary.matchAll(/services? (\w(?:, \w)*)(?:;|$| created)/g)) {
      for (const service of list!.split(', ')) this.#mesh.set(service, 'default');
    }
    if (/service \w deleted/.test(summary)) this.#mesh.delete(name!);
    if (/MetaRouter of \w deleted/.test(summary)) this.#mesh.set(name!, 'default');
    if (route !== undefined) this.#mesh.set(name ?? 'a', route);
    if (summary.includes('TCP-MetaProtocol')) this.#mesh.set('up', 'default');
    // What triggers a build is not the server's to decide but of who watches the objects.
    if (!/http service|label|TCP-MetaProtocol/.test(summary)) this.#publish();
  }

  #publish(): void {
    const route = (name: string) => ({ name, match: { prefix: '/' }, route: { cluster: 'outbound|9090||a' } });
    this.server.publishConfigurations(
      [...this.#mesh].map(([service, name]) => ({
        name: `${service}.demo.svc.cluster.local_9090`,
        virtualHosts: [{ name: 'dummy', domains: ['*'], routes: [route(name)] }],
      })),
    );
  }

  async #note({ t_ms, summary }: Event): Promise<void> {
    if (summary.startsWith('no response within')) {
      await this.#advance(t_ms);
      await this.#silent();
    } else if (summary.startsWith('NACK after every response')) {
      const [stream] = this.#streams.values();
      const refused = { resourceNames: ['a.demo.svc.cluster.local_9090'], errorDetail: { code: 3, message: 'no' } };
      for (let i = 0; i < STORM; i++) {
        stream!.send({ ...refused, responseNonce: this.#lastNonce });
        this.#lastNonce = (await stream!.next()).nonce;
      }
    }
  }

  async #client({ t_ms, stream: name = '', summary, message }: Event): Promise<void> {
    await this.#advance(t_ms);
    if (summary === 'open StreamRoutes') {
      this.#streams.set(name, new RouteClient(this.server.port, this.credentials()).open());
    } else if (summary === 'close stream and connection') {
      await this.#close(name);
    } else if (message !== undefined) {
      const { node, resourceNames, responseNonce, versionInfo, typeUrl, errorDetail } = message;
      this.#streams.get(name)!.send({
        ...(node === undefined ? {} : { node }),
        resourceNames: [...resourceNames],
        typeUrl,
        ...(errorDetail === undefined ? {} : { errorDetail }),
        // How long the storm was is chance.
        responseNonce: Number(responseNonce) > 1000 ? this.#lastNonce : responseNonce,
        versionInfo: this.#versions.get(versionInfo) ?? versionInfo,
      });
      if (!typeUrl.includes('Cluster')) this.#joined.add(name);
      await this.#streams.get(name)!.client.settled();
    }
  }

  async #close(name: string): Promise<void> {
    const stream = this.#streams.get(name)!;
    await stream.client.settled();
    expect(stream.unread).toEqual([]);
    const noticed = this.#joined.has(name)
      ? firstValueFrom(this.server.events.pipe(filter(({ type }) => type === 'closed')))
      : undefined;
    stream.close();
    this.#streams.delete(name);
    await noticed;
  }

  async #response({ t_ms, stream: name = '', message }: Event): Promise<void> {
    if (t_ms - EARLY_MS > this.#now) {
      await this.#advance(t_ms - EARLY_MS);
      await this.#silent();
    }
    await this.#advance(t_ms + LATE_MS);
    const stream = this.#streams.get(name)!;
    const response = await within(this.patienceMs, stream.next());
    const { nonce, versionInfo, resources } = message!;
    this.#lastNonce = response.nonce;
    expect(response.nonce).toBe(nonce);
    expect(response.typeUrl).toBe(message!.typeUrl);
    expect(withoutChance(routesIn(response))).toEqual(withoutChance(resources));
    const known = this.#versions.get(versionInfo);
    if (known === undefined) expect([...this.#versions.values()]).not.toContain(response.versionInfo);
    else expect(response.versionInfo).toBe(known);
    this.#versions.set(versionInfo, response.versionInfo);
  }

  /** Real sockets take real turns of the event loop; the clock stands meanwhile. */
  async #advance(t: number): Promise<void> {
    if (t <= this.#now) return;
    await this.runtime.advanceAsync(t - this.#now);
    this.#now = t;
  }

  async #silent(): Promise<void> {
    for (const stream of this.#streams.values()) {
      await stream.client.settled();
      expect(stream.unread.map(routesIn)).toEqual([]);
    }
  }
}

/** Which of several MetaRouters for one host was taken, and which of many quick changes was the last before a push. */
function withoutChance(resources: Message['resources']): Message['resources'] {
  return resources.map(({ name, routes }) => ({
    name,
    routes: routes.map((route) => route.replace(/^(from|burst)-\d+$/, '$1')),
  }));
}

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`nothing came within ${ms} ms`)), ms);
    promise.then(resolve).finally(() => clearTimeout(timer));
  });
}
