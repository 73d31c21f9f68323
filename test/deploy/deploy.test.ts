import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { VARIABLES } from '../../adapters/node/environment.js';
import { parseConfig } from '../../adapters/node/index.js';
import { meltemi } from '../support/captured-io.js';

const root = join(import.meta.dirname, '../..');
const manifests = readdirSync(join(root, 'deploy')).filter((file) => file.endsWith('.yaml'));

interface Container {
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly readinessProbe?: { readonly httpGet: { readonly path: string; readonly port: string } };
}
interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly ports?: readonly { readonly port: number; readonly targetPort: number | string }[];
    readonly template?: { readonly spec: { initContainers?: readonly Container[]; containers: readonly Container[] } };
  };
}

function objectsOf(file: string): readonly KubernetesObject[] {
  const documents = parseAllDocuments(readFileSync(join(root, 'deploy', file), 'utf8'));
  return documents.map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as KubernetesObject;
  });
}

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe.each(manifests)('deploy/%s', (file) => {
  const objects = objectsOf(file);
  const data = objects.flatMap((it) => Object.entries(it.data ?? {}));
  const pods = objects.flatMap(({ spec }) => spec?.template?.spec ?? []);
  const containers = pods.flatMap(({ initContainers = [], containers }) => [...initContainers, ...containers]);

  test('meltemi lint finds nothing in its rules', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'meltemi-deploy-'));
    folders.push(folder);
    for (const [name, text] of data) if (!name.startsWith('meltemi.config')) writeFileSync(join(folder, name), text);
    expect((await meltemi('lint', folder)).out).toBe('0 errors, 0 warnings in 1 file\n');
  });

  test('its variables are read by somebody', () => {
    const named = containers.flatMap(({ env = [] }) => env.map(({ name }) => name));
    expect(named.filter((name) => name.startsWith('MELTEMI_') && !VARIABLES.includes(name))).toEqual([]);
    expect(named).toContain('POD_IP');
  });
});

test('the sidecar is probed, and called, where its configuration says that it listens', () => {
  const objects = objectsOf('sidecar.yaml');
  const text = objects.flatMap(({ data }) => data?.['meltemi.config.yaml'] ?? [])[0]!;
  const { listeners } = parseConfig(parse(text));
  const [pod] = objects.flatMap(({ spec }) => spec?.template?.spec ?? []);
  const [sidecar] = pod!.initContainers!;
  const ports = new Map(sidecar!.ports!.map(({ name, containerPort }) => [name, containerPort]));
  const { path, port } = sidecar!.readinessProbe!.httpGet;
  expect([path, ports.get(port), listeners.health.host]).toEqual(['/healthz/ready', listeners.health.port, '0.0.0.0']);
  const service = objects.find(({ kind }) => kind === 'Service')!.spec!.ports![0]!;
  // By number: before Kubernetes 1.33 a Service finds no port of a sidecar container by its name.
  expect([service.targetPort, service.port]).toEqual([listeners.inbound[0]!.port, 20_880]);
  const variables = pod!.containers.flatMap(({ env = [] }) => env.map(({ value }) => value));
  expect(variables).toContain(`127.0.0.1:${listeners.outbound.ports['demo.example:20880']}`);
  expect(variables).toContain(`127.0.0.1:${listeners.inbound[0]!.forward.port}`);
});

describe('deploy/Dockerfile', () => {
  const text = readFileSync(join(root, 'deploy/Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const ignored = readFileSync(join(root, 'deploy/Dockerfile.dockerignore'), 'utf8').split('\n');

  test('is of instructions that there are, and copies what is there and not ignored', () => {
    const known = /^(FROM|WORKDIR|COPY|RUN|ENV|USER|EXPOSE|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD) \S/;
    expect(lines.filter((line) => !known.test(line))).toEqual([]);
    const copied = lines
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(/ +/).slice(1, -1));
    expect(copied.filter((path) => !existsSync(join(root, path)) || !ignored.includes(`!${path}`))).toEqual([]);
  });

  test('runs the command line, and not as root', () => {
    const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
    expect(last).toContain('USER 1000:1000');
    const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: { meltemi: string } };
    expect(last).toContain(`ENTRYPOINT ["node", "${join('/opt/meltemi', bin.meltemi)}"]`);
  });
});
