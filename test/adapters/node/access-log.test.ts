import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { parseConfig } from '../../../adapters/node/config.js';
import { meshOptions } from '../../../adapters/node/start-mesh.js';
import { createMesh } from '../../../src/index.js';
import { frameProtocol, message } from '../../connection/support/frame-protocol.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meltemi-log-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

async function refusedCall(path: string): Promise<string[]> {
  const warnings: string[] = [];
  const logger = { debug() {}, info() {}, warn: (message: string) => warnings.push(message), error() {} };
  const format = { to: '%DOWNSTREAM_LOCAL_ADDRESS%', flags: '%RESPONSE_FLAGS%' };
  const config = parseConfig({ protocols: [], rules: [], accessLog: { path, format } }, 'test', folder);
  const options = await meshOptions(config, { protocols: [frameProtocol()], logger });
  const out = options.accessLog!.out as unknown as NodeJS.WritableStream;
  const ended = new Promise((resolve) => out.once('close', resolve));
  await using mesh = createMesh(options);
  await mesh.ready();
  const call = firstValueFrom(mesh.call({ host: 'nowhere', port: 1 }, message('request', '')));
  await expect(call).rejects.toMatchObject({ code: 'NO_RULES' });
  await mesh.close();
  out.end();
  await ended;
  return warnings;
}

test("a configuration's access log is written to its file, beside the configuration", async () => {
  expect(await refusedCall('access.log')).toEqual([]);
  expect(readFileSync(join(folder, 'access.log'), 'utf8')).toBe('{"to":"nowhere:1","flags":"NR"}\n');
});

test('a file that cannot be written is warned of and disturbs no call', async () => {
  expect(await refusedCall('missing/access.log')).toEqual([expect.stringContaining('not written: ENOENT')]);
});
