/** What `meltemi new-protocol` writes, as `docs/guides/your-protocol.md` explains it: a test holds the two together. */

const PROTOCOL = `// protocol.mjs
import { defineProtocol } from 'meltemi/spi';

/** The header, field by field, as it stands on the wire; after it pairs of text and the body. */
export const protocol = defineProtocol({
  name: 'NAME',
  operation: ['command'],
  header: [
    { name: 'magic', type: 'u16', is: 0xac3e },
    { name: 'type', type: 'u8', kinds: { 1: 'request', 2: 'response', 3: 'oneway', 4: 'ping', 5: 'pong' } },
    { name: 'status', type: 'u8', status: { 0: 'ok', 1: 'business', 2: 'rejected' }, reject: 3 },
    { name: 'length', type: 'u32', length: 'message' },
    { name: 'id', type: 'u32', id: true },
    { name: 'timeout', type: 'u32', timeout: true },
    { name: 'command', type: 'u16' },
    { name: 'pairs', type: 'u16', pairs: true },
  ],
});

export default protocol;
`;

const TEST = `// protocol.test.mjs
import { test } from 'node:test';
import { Mutation } from 'meltemi';
import { codecKit } from 'meltemi/testing';
import { protocol } from './protocol.mjs';

// Put recorded bytes of your real clients and servers here: these are what the table itself writes.
const bytes = (message) => Buffer.concat(message.bytes);
const exchanges = [
  {
    name: 'hello',
    request: bytes(protocol.message('request', { id: 1, command: 7, user: 'jason' }, 'hello')),
    reply: bytes(protocol.message('response', { id: 1 }, 'hello, jason')),
  },
];
const mutation = new Mutation().set('user', 'alice').set('command', '8');

for (const check of codecKit({ protocol, exchanges, mutation })) test(check.name, () => check.run());
`;

const RULES = `# rules.yaml
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata: { name: NAME, namespace: demo }
spec:
  hosts: [NAME.example]
  ports: [{ number: 7000, name: tcp-metaprotocol-NAME, protocol: TCP }]
  resolution: STATIC
  endpoints:
    - { address: 127.0.0.1, ports: { tcp-metaprotocol-NAME: 7001 }, labels: { version: v1 } }
    - { address: 127.0.0.1, ports: { tcp-metaprotocol-NAME: 7002 }, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: { name: NAME, namespace: demo }
spec:
  host: NAME.example
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
---
apiVersion: metaprotocol.aeraki.io/v1alpha1
kind: MetaRouter
metadata: { name: NAME, namespace: demo }
spec:
  hosts: [NAME.example]
  routes:
    - name: jason
      match: { attributes: { user: { exact: jason }, command: { exact: '7' } } }
      route: [{ destination: { host: NAME.example, subset: v2 } }]
    - name: everybody-else
      route: [{ destination: { host: NAME.example, subset: v1 } }]
`;

const EXAMPLE = `// example.mjs
import { startMesh } from 'meltemi/node';
import { firstValueFrom } from 'rxjs';
import { protocol } from './protocol.mjs';

// Two versions of a server. Yours are there already: let the endpoints in rules.yaml lead to them.
const servers = await startMesh({ protocols: ['./protocol.mjs'] });
for (const [version, port] of [['v1', 7001], ['v2', 7002]]) {
  const handler = (request) => protocol.message('response', {}, 'hello, ' + request.get('user') + ', from ' + version);
  await servers.serve({ port, handler });
}

const mesh = await startMesh({ rules: 'rules.yaml', protocols: ['./protocol.mjs'] });
await mesh.ready();
for (const user of ['jason', 'alice']) {
  const request = protocol.message('request', { command: 7, user });
  const reply = await firstValueFrom(mesh.call({ host: 'NAME.example', port: 7000 }, request));
  console.log(String(Buffer.concat(protocol.body(reply.message))));
}
await mesh.close();
await servers.close();
`;

/**
 * Texts by file name.
 * @param name - of the protocol, fit for a port name
 */
export function newProtocolFiles(name: string): ReadonlyMap<string, string> {
  const files = { 'protocol.mjs': PROTOCOL, 'protocol.test.mjs': TEST, 'rules.yaml': RULES, 'example.mjs': EXAMPLE };
  return new Map(Object.entries(files).map(([file, text]) => [file, text.replaceAll('NAME', name)]));
}
