import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Observable, Subscription } from 'rxjs';
import { type Problem, readRules } from '../../../../adapters/sources/file/index.js';
import { parseRules } from '../../../../adapters/sources/file/parse.js';
import { translate } from '../../../../adapters/sources/file/translate/index.js';
import type { ClusterRule, EndpointsRule, ServiceRule } from '../../../../src/rules/index.js';

/** A rule set from YAML text, with look-ups by key. */
export function rulesOf(...texts: string[]) {
  const rules = readRules(new Map(texts.map((text, index) => [`${'abcdef'[index]}.yaml`, text])));
  const find = <T>(list: readonly T[], holds: (each: T) => boolean, key: string): T => {
    const found = list.find(holds);
    if (found === undefined) throw new Error(`no ${key}; problems: ${rules.problems.map((each) => each.message)}`);
    return found;
  };
  return {
    ...rules,
    service: (key: string): ServiceRule => find(rules.services, (each) => each.key === key, key),
    cluster: (name: string): ClusterRule => find(rules.clusters, (each) => each.name === name, name),
    endpointsOf: (key: string): EndpointsRule => find(rules.endpoints, (each) => each.key === key, key),
  };
}

/** `line:column severity field: message` of everything found in a text. */
export function findings(text: string): string[] {
  const { objects, problems } = parseRules(text, 'a.yaml');
  return [...problems, ...translate(objects).problems].map(brief);
}

export function brief({ line, column, severity, tolerated, field, message }: Problem): string {
  return `${line}:${column} ${tolerated ? 'tolerated' : severity} ${field}: ${message}`;
}

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'meltemi-rules-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** An Observable's emissions, one after the other. */
export class Emissions<T> {
  readonly #waiting: ((result: { value?: T; error?: unknown; done?: true }) => void)[] = [];
  readonly #ready: { value?: T; error?: unknown; done?: true }[] = [];
  readonly subscription: Subscription;

  constructor(source: Observable<T>) {
    this.subscription = source.subscribe({
      next: (value) => this.#add({ value }),
      error: (error) => this.#add({ error }),
      complete: () => this.#add({ done: true }),
    });
  }

  #add(result: { value?: T; error?: unknown; done?: true }): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#ready.push(result);
    else waiting(result);
  }

  async event(): Promise<{ value?: T; error?: unknown; done?: true }> {
    const ready = this.#ready.shift();
    return ready ?? new Promise((resolve) => this.#waiting.push(resolve));
  }

  async next(): Promise<T> {
    const event = await this.event();
    if (!('value' in event)) throw new Error(`expected an emission, but got ${JSON.stringify(event)}`);
    return event.value as T;
  }
}

/** A ServiceEntry with a metaprotocol port and one endpoint. */
export const serviceEntry = (host: string, more = '') => `
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${host.replaceAll('.', '-')}, namespace: demo }
spec:
  hosts: [${host}]
  ports: [{ number: 20880, name: tcp-metaprotocol-dubbo }]
  resolution: STATIC
  endpoints: [{ address: 10.0.0.1, labels: { version: v1 } }]
${more}`;

export const metaRouter = (host: string, spec: string) => `
---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: ${host.replaceAll('.', '-')}, namespace: demo }
spec:
  hosts: [${host}]
${spec}`;
