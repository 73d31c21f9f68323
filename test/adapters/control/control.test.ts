import { spawnSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { ask, type Control, listControls, openControl, type Resource } from '../../../adapters/control/index.js';
import { answers } from '../../../adapters/control/place.js';

let folder: string;
let open: Control[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meltemi-control-'));
});
afterEach(() => {
  for (const control of open.splice(0)) control.close();
  open = [];
  rmSync(folder, { recursive: true });
});

const RESOURCES = new Map<string, Resource>([
  ['/echo', (query) => ({ said: query.get('say') })],
  [
    '/broken',
    () => {
      throw new Error('out of order');
    },
  ],
]);

async function opened(path = join(folder, 'a.sock')): Promise<Control> {
  const control = await openControl(RESOURCES, path);
  open.push(control);
  return control;
}

/** A socket whose process died without a word. @returns the number that the process had */
function leftBehind(path: string): number {
  const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  const { pid } = spawnSync(process.execPath, ['-e', program], { env: {} });
  expect(lstatSync(path).isSocket()).toBe(true);
  return pid;
}

/** Opens sockets, and ends without closing them. */
function endedProgram(paths: readonly string[]): string {
  return `
    import { existsSync } from 'node:fs';
    import { openControl } from '../../../adapters/control/index.js';
    const paths = ${JSON.stringify(paths)};
    Promise.all(paths.map((path) => openControl(new Map(), path))).then(() => {
      console.log(...paths.map((path) => existsSync(path)));
      process.exit();
    });`;
}

/** What comes back for some bytes, until the other end is closed. */
function raw(path: string, bytes: string): Promise<string> {
  const socket = connect(path);
  socket.write(bytes);
  return text(socket);
}

describe('a control socket', () => {
  test('answers with what its resources say, and names them', async () => {
    const { path } = await opened();
    expect(await ask(path, '/echo?say=a%20b')).toEqual({ said: 'a b' });
    await expect(ask(path, '/broken')).rejects.toThrow('out of order');
    await expect(ask(path, '/other')).rejects.toThrow('there is no /other; there are: /echo, /broken');
  });

  test("is its user's alone", async () => {
    const { path } = await opened(join(folder, 'new/a.sock'));
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    expect(lstatSync(join(folder, 'new')).mode & 0o777).toBe(0o700);
  });

  test('is not made where others may come in, nor behind a link, nor under a name that is too long', async () => {
    mkdirSync(join(folder, 'open'));
    chmodSync(join(folder, 'open'), 0o755);
    await expect(opened(join(folder, 'open/a.sock'))).rejects.toThrow(
      'open is open to other users; it needs mode 0700',
    );
    mkdirSync(join(folder, 'own'), { mode: 0o700 });
    symlinkSync('own', join(folder, 'link'));
    await expect(opened(join(folder, 'link/a.sock'))).rejects.toThrow('link is no folder');
    await expect(opened(join(folder, 'x'.repeat(100)))).rejects.toThrow(/at most 10[37]: choose a shorter one/);
  });

  test('takes over from a process that died, not from one that lives, and no file', async () => {
    const path = join(folder, 'a.sock');
    leftBehind(path);
    await opened(path);
    expect(await ask(path, '/echo')).toEqual({ said: null });
    await expect(opened(path)).rejects.toThrow(`another process listens on ${path}`);
    writeFileSync(join(folder, 'file'), 'precious');
    await expect(opened(join(folder, 'file'))).rejects.toThrow('is there and is no socket');
    expect(existsSync(join(folder, 'file'))).toBe(true);
  });

  test('of several processes that find a dead one at once, one takes it over, and it answers', async () => {
    const path = join(folder, 'a.sock');
    leftBehind(path);
    const results = await Promise.allSettled([1, 2, 3, 4].map(() => opened(path)));
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1);
    expect(await ask(path, '/echo')).toEqual({ said: null });
  });

  test('is gone when it is closed, also while somebody is connected', async () => {
    const control = await opened();
    const idle = connect(control.path);
    await new Promise((resolve) => idle.once('connect', resolve));
    const ended = new Promise((resolve) => idle.once('close', resolve));
    control.close();
    await ended;
    expect(existsSync(control.path)).toBe(false);
    await expect(ask(control.path, '/echo')).rejects.toThrow('ENOENT');
  });

  test('is gone with its process, however many there were', async () => {
    const paths = [join(folder, 'a.sock'), join(folder, 'b.sock')];
    const bundle = await build({
      ...{ stdin: { contents: endedProgram(paths), resolveDir: import.meta.dirname, loader: 'ts' } },
      ...{ bundle: true, write: false, platform: 'node', format: 'cjs' },
    });
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', bundle.outputFiles[0]!.text], { encoding: 'utf8' });
    expect([stdout, stderr]).toEqual(['true true\n', '']);
    expect(paths.map((path) => existsSync(path))).toEqual([false, false]);
  });

  test('keeps no process alive, nor does who is connected to it', async () => {
    type Handled = { _handle: { hasRef(): boolean } };
    const accepted = new Promise<Handled & { server: Handled }>((resolve) => {
      subscribe('net.server.socket', function listener(message) {
        unsubscribe('net.server.socket', listener);
        resolve((message as { socket: never }).socket);
      });
    });
    const idle = connect((await opened()).path);
    const socket = await accepted;
    await new Promise(setImmediate); // whoever listens has seen it
    expect([socket._handle.hasRef(), socket.server._handle.hasRef()]).toEqual([false, false]);
    idle.destroy();
  });

  test('bounds what it reads, and takes GET alone', async () => {
    const { path } = await opened();
    expect(await raw(path, `GET /echo HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(9000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 /,
    );
    expect(await raw(path, 'POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc')).toMatch(
      /^HTTP\/1.1 405 /,
    );
    expect(await raw(path, 'no such thing\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
    expect(await ask(path, '/echo?say=ok')).toEqual({ said: 'ok' });
  });
});

describe('whoever asks', () => {
  test('has an end of waiting, and of reading', async () => {
    const path = join(folder, 'silent.sock');
    const server = createServer(() => {}).listen(path);
    await expect(ask(path, '/echo', { timeoutMs: 20 })).rejects.toThrow('no answer within 20 ms');
    server.close();
    const control = await opened();
    const say = 'x'.repeat(1000);
    await expect(ask(control.path, `/echo?say=${say}`, { maxBytes: 500 })).rejects.toThrow('longer than 500 bytes');
  });

  test('is told of another answer than JSON', async () => {
    const path = join(folder, 'other.sock');
    const server = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi')).listen(path);
    await expect(ask(path, '/echo')).rejects.toThrow('the answer is no JSON');
    server.close();
  });
});

describe('the list', () => {
  test('has the sockets that answer, and clears away those of processes that are gone', async () => {
    const path = join(folder, 'left.sock');
    const gone = join(folder, `${leftBehind(path)}.sock`);
    renameSync(path, gone);
    writeFileSync(join(folder, 'notes'), '');
    await opened(join(folder, '7.sock'));
    await opened(join(folder, '7-1.sock'));
    expect(await listControls(folder)).toEqual([
      { pid: 7, path: join(folder, '7-1.sock') },
      { pid: 7, path: join(folder, '7.sock') },
    ]);
    expect(existsSync(gone)).toBe(false);
    expect(existsSync(join(folder, 'notes'))).toBe(true);
  });

  test('has nobody who leaves while he is asked', async () => {
    const path = join(folder, '7.sock');
    const server = createServer().listen(path);
    await once(server, 'listening');
    const asked = answers(path);
    server.close();
    expect(await asked).toBe(false);
  });

  test('leaves the socket of a process that is there and does not listen yet', async () => {
    const path = join(folder, `${process.pid}.sock`);
    leftBehind(path);
    expect(await listControls(folder)).toEqual([]);
    expect(existsSync(path)).toBe(true);
  });

  test('is empty where there is no folder, and an error where others come in', async () => {
    expect(await listControls(join(folder, 'none'))).toEqual([]);
    await opened(join(folder, '7.sock'));
    chmodSync(folder, 0o755);
    await expect(listControls(folder)).rejects.toThrow('is open to other users');
    chmodSync(folder, 0o700);
  });
});
