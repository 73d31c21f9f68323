import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { transform } from 'esbuild';
import { freePort } from '../support/free-ports.mjs';
import { type PackageFolder, packageFolder } from '../support/package-folder.js';
import { readBlocks, runSession, writeFiles } from './readme-programs.mjs';

const root = join(import.meta.dirname, '../..');
const { files, sessions } = readBlocks(await readFile(join(root, 'docs/protocols/thrift.md'), 'utf8'));

/** In the place of what Thrift's compiler would make: the service that the other tests use, with two methods by name. */
const ECHO = `
import { EchoClient, EchoProcessor } from './common.js';
class Client extends EchoClient {
  ping(who) { return this.call('ping', who); }
  add(a, b) { return this.call('add', a, b); }
}
const promised = (method) => (...args) =>
  new Promise((resolve, reject) => method(...args, (error, result) => (error ? reject(error) : resolve(result))));
class Processor extends EchoProcessor {
  constructor(handler) { super({ ping: promised(handler.ping), add: promised(handler.add) }); }
}
export default { Client, Processor };
`;

let folder: PackageFolder;
let ports: readonly number[];
const here = (text: string) => text.replaceAll('9091', String(ports[0])).replaceAll('9092', String(ports[1]));

beforeAll(async () => {
  [folder, ports] = await Promise.all([packageFolder(), Promise.all([freePort(), freePort()])]);
  await writeFiles(folder.path, files, here);
  const source = await readFile(join(root, 'test/peers/thrift-echo.ts'), 'utf8');
  const { code } = await transform(source.replace('./npm-thrift.js', 'thrift'), { loader: 'ts' });
  await mkdir(join(folder.path, 'gen-nodejs'));
  await writeFile(join(folder.path, 'gen-nodejs/common.js'), code);
  await writeFile(join(folder.path, 'gen-nodejs/Echo.js'), ECHO);
}, 60_000);

afterAll(() => folder.remove());

test.each(sessions.map((session) => [session.map((it) => it.command).join('; '), session] as const))(
  '%s',
  async (_name, session) => {
    for (const { expected, printed, matches } of await runSession(folder.path, session, here)) {
      if (!matches) expect(printed.join('\n')).toBe(expected.join('\n'));
      expect(matches).toBe(true);
    }
  },
  60_000,
);

test('thrift.mjs is a protocol', async () => {
  const { default: protocol } = await import(join(folder.path, 'thrift.mjs'));
  expect([protocol.name, protocol.sharing]).toEqual(['sharedthrift', 'multiplexed']);
});
