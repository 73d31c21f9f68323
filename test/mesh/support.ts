import { firstValueFrom, Observable } from 'rxjs';
import { readRules } from '../../adapters/sources/file/index.js';
import { type Dispatcher, Failure, Reply } from '../../src/call/index.js';
import { serve } from '../../src/connection/index.js';
import { createMesh, type Mesh, type MeshOptions, type Protocol } from '../../src/index.js';
import type { Rule, RuleChange, RuleKind, RuleSource } from '../../src/rules/index.js';
import { systemRuntime } from '../../src/runtime/index.js';
import { silentLogger } from '../../src/telemetry/index.js';
import { MemoryNetwork } from '../../src/testing/index.js';
import { frameProtocol, message, payloadOf } from '../connection/support/frame-protocol.js';

/** A protocol whose only attribute is `payload`, under a name that a port can have. */
export const frames: Protocol = { ...frameProtocol(), name: 'frame' };

export { message, payloadOf };

export const DEMO = { host: 'demo.test', port: 9000 };

/** `demo.test:9000` with two endpoints, a `v1` and a `v2`, and whatever else. */
export const demoService = `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: demo, namespace: test }
spec:
  hosts: [demo.test]
  ports: [{ number: 9000, name: tcp-metaprotocol-frame, protocol: TCP }]
  resolution: STATIC
  endpoints:
    - { address: 10.0.0.1, labels: { version: v1 } }
    - { address: 10.0.0.2, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: demo, namespace: test }
spec:
  host: demo.test
  trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } }
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
`;

export const router = (spec: string) => `
---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: demo, namespace: test }
spec: { hosts: [demo.test], ${spec} }
`;

export const policy = (spec: string, target = 'host: demo.test', name = 'demo') => `
---
apiVersion: meltemi.dev/v1alpha1
kind: TrafficPolicy
metadata: { name: ${name}, namespace: test }
spec: { targetRefs: [{ ${target} }], ${spec} }
`;

/** Rules as YAML that a test changes at will. */
export class YamlSource implements RuleSource {
  readonly name = 'yaml';
  readonly precedence = 300;
  #emit: ((batch: RuleChange[]) => void) | undefined;
  #keys = new Map<string, RuleKind>();

  constructor(private yaml?: string) {}

  watch(): Observable<readonly RuleChange[]> {
    return new Observable((subscriber) => {
      this.#emit = (batch) => subscriber.next(batch);
      if (this.yaml !== undefined) this.set(this.yaml);
    });
  }

  /** The whole set, as of now. */
  set(yaml: string): void {
    const read = readRules(new Map([['rules.yaml', yaml]]));
    if (!read.usable) throw new Error(read.problems.map((it) => `${it.line}: ${it.field}: ${it.message}`).join('\n'));
    const batch: RuleChange[] = [];
    const keys = new Map<string, RuleKind>();
    const upsert = (kind: RuleKind, key: string, rule: Rule) => {
      keys.set(`${kind} ${key}`, kind);
      batch.push({ type: 'upsert', kind, rule } as RuleChange);
    };
    for (const rule of read.services) upsert('service', rule.key, rule);
    for (const rule of read.clusters) upsert('cluster', rule.name, rule);
    for (const rule of read.endpoints) upsert('endpoints', rule.key, rule);
    for (const [id, kind] of this.#keys) {
      if (!keys.has(id)) batch.push({ type: 'remove', kind, key: id.slice(kind.length + 1) });
    }
    this.#keys = keys;
    this.#emit?.([...batch, { type: 'complete' }]);
  }
}

/** What a made-up server does with a request: the payload of its reply, or nothing for silence, or for `later`. */
export type Answer = (payload: string, later: (payload: string) => void) => string | undefined;

export interface World {
  readonly mesh: Mesh;
  readonly source: YamlSource;
  readonly network: MemoryNetwork;
  /** Serves an address; by default it answers with its address and the payload. */
  server(host: string, answer?: Answer, port?: number): () => void;
  /** One call; the reply's payload, or the code of the Failure. */
  call(payload?: string, timeoutMs?: number): Promise<string>;
}

/** A mesh without sockets: rules from YAML, servers in memory. */
export function world(yaml?: string, options: Partial<MeshOptions> = {}): World {
  const network = options.transport instanceof MemoryNetwork ? options.transport : new MemoryNetwork();
  const source = new YamlSource(yaml);
  const mesh = createMesh({
    sources: [source],
    protocols: [frames],
    transport: network,
    logger: silentLogger,
    ...options,
  });
  const server = (host: string, answer: Answer = (payload) => `${host} ${payload}`, port = 9000) => {
    const dispatcher: Dispatcher = {
      dispatch: (request, sink) => {
        const reply = (payload: string) => sink.reply(new Reply(message('response', payload)));
        const payload = answer(payloadOf(request), reply);
        if (payload !== undefined && request.kind !== 'oneway') reply(payload);
        return { cancel() {} };
      },
    };
    return network.listen({ host, port }, (socket) => {
      serve(socket, frames, dispatcher, { runtime: systemRuntime() });
    });
  };
  return {
    mesh,
    source,
    network,
    server,
    call: (payload = 'hello', timeoutMs) => callOnce(mesh, payload, timeoutMs),
  };
}

export async function callOnce(mesh: Mesh, payload: string, timeoutMs?: number): Promise<string> {
  const options = timeoutMs === undefined ? {} : { timeoutMs };
  try {
    const reply = await firstValueFrom(mesh.call(DEMO, message('request', payload), options));
    return payloadOf(reply.message!);
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}
