import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BuildOptions, build } from 'esbuild';
import { serveMetaRds } from '../../adapters/sources/metards/server/index.js';
import { type Peer, startPeer } from '../../examples/demo/peers/start-peer.js';
import { HOST, metaRouter, PORT, services, toSubset } from '../../examples/demo/rules.js';
import { freePort } from '../support/free-ports.mjs';
import { type PackageFolder, packageFolder } from '../support/package-folder.js';

const apps = join(import.meta.dirname, 'register-apps');
const SERVICE = `${HOST}:${PORT}`;

let folder: PackageFolder;
let v1: Peer;
let v2: Peer;
let silent: Server;
let silentPort: number;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of the folder to its end, with nothing of this process's environment but the path. */
function run(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = folder.path): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd, env: { PATH: process.env.PATH, ...env }, timeout: 30_000 };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

const PRELOAD = ['--import', 'meltemi/register'];
const RULES = { MELTEMI_RULES: 'rules.yaml', MELTEMI_CONTROL: 'off' };

beforeAll(async () => {
  const provider = 'examples/demo/peers/provider.mjs';
  [v1, v2, folder] = await Promise.all([
    startPeer(provider, ['--name', 'v1']),
    startPeer(provider, ['--name', 'v2']),
    packageFolder(),
  ]);
  silent = createServer((socket) => socket.on('error', () => {}).resume());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  silentPort = (silent.address() as { port: number }).port;
  const rules = `${services(v1.port, v2.port)}---${metaRouter(`  routes:${toSubset('all', 'v2')}`)}`;
  await writeFile(join(folder.path, 'rules.yaml'), rules);
  for (const name of await readdir(apps)) await copyFile(join(apps, name), join(folder.path, name));
}, 30_000);

afterAll(async () => {
  silent.close();
  await Promise.all([v1.stop(), v2.stop(), folder.remove()]);
});

const FROM_V2 = 'Hello app, from v2\n';

describe('an app that knows nothing of the mesh', () => {
  test('is governed by one environment variable: by the service’s name, and where it means to reach v1', async () => {
    const addresses = [SERVICE, `127.0.0.1:${v1.port}`, `localhost:${v1.port}`];
    const { stdout, stderr } = await run([...PRELOAD, 'dubbo.cjs', ...addresses], {
      MELTEMI_RULES: 'rules.yaml',
    });
    expect(stdout).toBe(FROM_V2.repeat(3));
    expect(stderr).toMatch(
      new RegExp(
        `^meltemi \\d+\\.\\d+\\.\\d+ governs ${SERVICE} \\(dubbo\\), by .*/rules\\.yaml; meltemi status --pid \\d+ tells more\\n$`,
      ),
    );
  }, 30_000);

  test('is what it was when the mesh is turned off', async () => {
    const args = [...PRELOAD, 'dubbo.cjs', `127.0.0.1:${v1.port}`];
    const off = await run(args, { ...RULES, MELTEMI_DISABLED: '1', MELTEMI_STRICT: '1' });
    expect(off).toEqual({ code: 0, stdout: 'Hello app, from v1\n', stderr: '' });
  }, 30_000);

  test('by NODE_OPTIONS in threads, forks, children and workers of a cluster', async () => {
    const env = { ...RULES, NODE_OPTIONS: PRELOAD.join(' '), MELTEMI_LOG: 'error' };
    const { stdout, stderr } = await run(
      ['processes.mjs', `127.0.0.1:${v1.port}`, join(folder.path, 'dubbo.cjs')],
      env,
    );
    expect(stderr).toBe('');
    expect(stdout).toBe(FROM_V2.repeat(4));
  }, 60_000);

  test('bundled, as ESM and as CommonJS, with a config file beside it', async () => {
    const cwd = join(folder.path, 'bundled');
    await mkdir(cwd);
    await writeFile(join(cwd, 'meltemi.config.mjs'), "export default { rules: '../rules.yaml', control: false };");
    const require = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
    const common: BuildOptions = { bundle: true, platform: 'node', external: ['node-zookeeper-client'] };
    const entryPoints = [join(folder.path, 'dubbo.cjs')];
    await Promise.all([
      build({ ...common, entryPoints, outfile: join(cwd, 'app.mjs'), format: 'esm', banner: { js: require } }),
      build({ ...common, entryPoints, outfile: join(cwd, 'app.cjs'), format: 'cjs' }),
    ]);
    const ended = ['app.mjs', 'app.cjs'].map((name) =>
      run([...PRELOAD, name, `127.0.0.1:${v1.port}`], { MELTEMI_LOG: 'error' }, cwd),
    );
    expect(await Promise.all(ended)).toEqual(Array(2).fill({ code: 0, stdout: FROM_V2, stderr: '' }));
  }, 60_000);

  test.each(['before', 'after'])(
    'with another that replaces connect %s us',
    async (when) => {
      const other = ['--import', './other-patch.mjs'];
      const imports = when === 'before' ? [...other, ...PRELOAD] : [...PRELOAD, ...other];
      const env = { ...RULES, MELTEMI_LOG: 'error' };
      const { stdout } = await run([...imports, 'dubbo.cjs', `127.0.0.1:${v1.port}`], env);
      // Before us: it is asked by the mesh, for the provider. After us: by the app, for what it means.
      expect(stdout).toBe(`${FROM_V2}another saw ${when === 'before' ? v2.port : v1.port}\n`);
    },
    30_000,
  );

  test('what is not the mesh’s is what it is without', async () => {
    const args = ['ungoverned.mjs', join(import.meta.dirname, '../support/certificates')];
    const [without, within] = await Promise.all([
      run(args),
      run([...PRELOAD, ...args], { ...RULES, MELTEMI_LOG: 'error' }),
    ]);
    expect(within).toEqual(without);
    expect(without.stdout.split('\n')).toHaveLength(8);
    expect(without.code).toBe(0);
  }, 30_000);
});

test('a server of the app is governed where rules name its port and an address of this machine, and a line says so', async () => {
  const port = await freePort();
  await writeFile(join(folder.path, 'served.yaml'), services(port, port));
  const script = `require('net').createServer().listen(${port}, '127.0.0.1', function () { this.close(); })`;
  const { stderr } = await run([...PRELOAD, '-e', script], { ...RULES, MELTEMI_RULES: 'served.yaml' });
  expect(stderr).toMatch(
    new RegExp(
      `^meltemi .* governs ${SERVICE} .*\\nmeltemi governs port ${port} of this app, by the rules of ${SERVICE}\\n$`,
    ),
  );
}, 30_000);

describe('programs of Meltemi itself', () => {
  const dist = 'node_modules/meltemi/dist';

  test('the command line is not governed by the environment of its shell', async () => {
    const explain = [`${dist}/adapters/cli/bin.js`, 'explain', 'rules.yaml', '--to', SERVICE];
    const [within, without] = await Promise.all([
      run(explain, { ...RULES, NODE_OPTIONS: PRELOAD.join(' '), MELTEMI_STRICT: '1' }),
      run(explain),
    ]);
    expect(within).toEqual(without);
    expect(without.stdout).toContain('service:');
  }, 30_000);

  test('nor are the processes that it starts', async () => {
    const ended = await run([...PRELOAD, `${dist}/shared/load-worker.js`], RULES);
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
  }, 30_000);
});

describe('the life of a process is that without a mesh', () => {
  test.each([
    'nothing at all',
    'an exit code',
    'an idle socket, closed by a timer that holds nothing',
    'a socket that was unref’d',
    'a socket that was unref’d before it was connected',
    'a socket that was unref’d and ref’d again',
    'a socket that is paused',
    'a socket that is ended',
    'a socket that is destroyed',
    'a half-open socket that waits',
    'a listener that throws',
  ])(
    '%s',
    async (what) => {
      const env = { ...RULES, MELTEMI_LOG: 'error' };
      const [without, within] = await Promise.all([
        run(['life.mjs', '127.0.0.1', `${silentPort}`, what]),
        run([...PRELOAD, 'life.mjs', HOST, `${PORT}`, what], env),
      ]);
      expect(within).toEqual(without);
      expect(without.stdout).toMatch(/exit \d/);
    },
    30_000,
  );

  test('the stream of a control plane holds nothing', async () => {
    const rds = await serveMetaRds({ port: 0 });
    rds.publishConfigurations([]);
    const env = { ...RULES, MELTEMI_METARDS: `127.0.0.1:${rds.port}`, MELTEMI_LAST_GOOD: 'off' };
    const { stdout, stderr } = await run([...PRELOAD, 'life.mjs', HOST, `${PORT}`, 'nothing at all'], env);
    await rds.close();
    expect(stdout).toBe('exit 0 free\n');
    expect(stderr).toMatch(/and MetaRDS at 127\.0\.0\.1:\d+$/m);
  }, 30_000);
});

test('an app goes on when nobody reads what the mesh says', async () => {
  const args = [...PRELOAD, 'dubbo.cjs', SERVICE];
  const env = { PATH: process.env.PATH, ...RULES, MELTEMI_ACCESS_LOG: 'stderr' };
  const child = spawn(process.execPath, args, { cwd: folder.path, env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stderr.destroy();
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  const [code] = await once(child, 'close');
  expect([code, stdout]).toEqual([0, FROM_V2]);
}, 30_000);

describe('set-up that fails', () => {
  const app = ['-e', 'console.log("the app runs")'];
  const failures: Record<string, [NodeJS.ProcessEnv, RegExp]> = {
    'no rules': [{}, /there are no rules: MELTEMI_RULES, MELTEMI_METARDS or MELTEMI_CONFIG/],
    'a variable that cannot be': [{ ...RULES, MELTEMI_MODE: 'loud' }, /MELTEMI_MODE=loud: /],
    'no such config file': [{ MELTEMI_CONFIG: 'none.yaml' }, /MELTEMI_CONFIG.*ENOENT.*none\.yaml/],
    'rules that are none': [{ ...RULES, MELTEMI_RULES: 'life.mjs,missing' }, /missing/],
    'a variable that nothing reads': [
      { ...RULES, MELTEMI_MOOD: 'observe' },
      /nothing reads MELTEMI_MOOD; did you mean MELTEMI_MODE\?/,
    ],
    'a log level that is none': [{ ...RULES, MELTEMI_LOG: 'all' }, /MELTEMI_LOG=all: it may be debug, info, /],
  };

  test.each(Object.entries(failures))(
    '%s: a line, and the app goes on; strict, it does not',
    async (_name, [env, line]) => {
      const [lax, strict] = await Promise.all([
        run([...PRELOAD, ...app], env),
        run([...PRELOAD, ...app], { ...env, MELTEMI_STRICT: '1' }),
      ]);
      expect(lax).toMatchObject({ code: 0, stdout: 'the app runs\n', stderr: expect.stringMatching(line) });
      expect(strict).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(line) });
    },
    30_000,
  );

  test.each(['', '1'])(
    'why rules cannot be used is told once, a line each (strict: "%s")',
    async (strict) => {
      const env = { ...RULES, MELTEMI_RULES: 'missing-a,missing-b', MELTEMI_STRICT: strict };
      const { stderr } = await run([...PRELOAD, ...app], env);
      expect(stderr.split('\n').map((line) => line.replace(/^\S+Z /, ''))).toEqual([
        'meltemi error source file failed: the rules cannot be used:',
        expect.stringMatching(/^meltemi error source file .*missing-a:1:1: cannot be read: ENOENT/),
        expect.stringMatching(/^meltemi error source file .*missing-b:1:1: cannot be read: ENOENT/),
        strict === ''
          ? expect.stringMatching(/^meltemi \S+ governs nothing, as source file failed, by .*missing-b$/)
          : 'meltemi error this process ends, as MELTEMI_STRICT is set: source file failed',
        '',
      ]);
    },
    30_000,
  );

  test('what is said of the control socket is where it is', async () => {
    await mkdir(join(folder.path, 'open'), { mode: 0o755 });
    const at = (control: string) => run([...PRELOAD, ...app], { ...RULES, MELTEMI_CONTROL: control });
    const [own, open] = await Promise.all([at('own/x.sock'), at('open/x.sock')]);
    expect(own.stderr).toMatch(/; meltemi status --socket \/.*\/own\/x\.sock tells more\n$/);
    expect(open.stderr).toMatch(/there is no control socket: .* needs mode 0700\nmeltemi \S+ governs [^;]*\n$/);
  }, 30_000);

  test('a folder without rules is as good as any; strict, it is not', async () => {
    await mkdir(join(folder.path, 'empty'));
    const env = { ...RULES, MELTEMI_RULES: 'empty' };
    const [lax, strict] = await Promise.all([
      run([...PRELOAD, ...app], env),
      run([...PRELOAD, ...app], { ...env, MELTEMI_STRICT: '1' }),
    ]);
    expect(lax).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^meltemi \S+ governs nothing yet, by .*empty\n$/),
    });
    expect(strict).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/there are no rules in .*empty\n$/),
    });
  }, 30_000);

  test('services that nothing here reads are named, and left alone', async () => {
    const env = { ...RULES, MELTEMI_PROTOCOLS: 'tars', MELTEMI_RULEZ: 'x' };
    const { stdout, stderr } = await run([...PRELOAD, 'dubbo.cjs', `127.0.0.1:${v1.port}`], env);
    expect(stdout).toBe('Hello app, from v1\n');
    expect(stderr.split('\n').map((line) => line.replace(/^\S+Z /, ''))).toEqual([
      'meltemi warn nothing reads MELTEMI_RULEZ; did you mean MELTEMI_RULES?',
      expect.stringMatching(/^meltemi \S+ governs nothing yet, by .*rules\.yaml$/),
      `meltemi warn ${SERVICE} speaks 'dubbo', which no codec here reads and no sidecar takes: its connections are left alone`,
      '',
    ]);
  }, 30_000);

  test('uninstall, and the mesh of the process, are to be had by an app that wants them', async () => {
    const script = `
      import net from 'node:net';
      import { connect } from 'node:net';
      import { mesh, uninstall } from 'meltemi/register';
      const bound = () => { const socket = connect(${v1.port}, '127.0.0.1'); const is = socket._handle === null; socket.destroy(); return is; };
      console.log(mesh.governs('127.0.0.1', ${v1.port}), bound());
      await uninstall({ drainMs: 0 });
      console.log(bound());`;
    const env = { ...RULES, MELTEMI_LOG: 'silent' };
    const { stdout, stderr } = await run([...PRELOAD, '--input-type=module', '-e', script], env);
    expect([stdout, stderr]).toEqual(['true true\nfalse\n', '']);
  }, 30_000);
});
