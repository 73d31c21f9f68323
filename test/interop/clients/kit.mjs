import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { missing } from '../tools.mjs';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));

/** Servers that Debian has: the packages that bring them, and what runs if they are there. */
const SERVERS = {
  'redis.mjs': { packages: ['redis-server', 'redis-tools'], needs: [['redis-server', '--version']] },
  'memcached.mjs': { packages: ['memcached'], needs: [['memcached', '--version']] },
  'zookeeper.mjs': {
    packages: ['zookeeper', 'default-jre-headless'],
    needs: [
      ['test', '-e', '/usr/share/java/zookeeper.jar'],
      ['java', '-version'],
    ],
  },
  'mariadb.mjs': { packages: ['mariadb-server'], needs: [['mariadbd', '--version']] },
  'postgresql.mjs': { packages: ['postgresql'], needs: [['test', '-d', '/usr/lib/postgresql']] },
  'rabbitmq.mjs': { packages: ['rabbitmq-server'], needs: [['test', '-e', '/usr/lib/rabbitmq/bin/rabbitmq-server']] },
  'mosquitto.mjs': { packages: ['mosquitto'], needs: [['test', '-e', '/usr/sbin/mosquitto']] },
  'kafka.py': {
    packages: ['python3-confluent-kafka'],
    needs: [['/usr/bin/python3', '-c', 'import confluent_kafka']],
  },
  'mongodb.py': {
    packages: ['python3-mockupdb', 'python3-pymongo'],
    needs: [['/usr/bin/python3', '-c', 'import mockupdb']],
  },
};
/** Servers that npm brings. */
const OWN = ['dubbo.mjs', 'thrift.mjs', 'tars.mjs', 'web.mjs'];

/** The npm clients that know nothing of Meltemi, and the servers they are made for. */
export default {
  name: 'unmodified clients',
  tests: ['clients.test.ts', 'launches.test.ts'],
  async prepare() {
    const [npm, apt] = await Promise.all([installClients(), installServers()]);
    if (npm !== undefined) return { skipped: [npm] };
    const servers = [...OWN];
    const skipped = [];
    for (const [server, { packages, needs }] of Object.entries(SERVERS)) {
      const lacking = missing(...needs);
      if (lacking === undefined) servers.push(server);
      else skipped.push(`${server} is not started: ${lacking}${apt ? `; ${packages.join(', ')}: ${apt}` : ''}`);
    }
    return { skipped, env: { CLIENT_SERVERS: servers.join(',') } };
  },
};

/** Undefined: all that the lock file names is there. */
async function installClients() {
  const installed = join(here, 'node_modules/.package-lock.json');
  const wanted = join(here, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return undefined;
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  const failed = await run('npm', args, { cwd: here }).catch((error) => error);
  return failed instanceof Error ? `npm ci failed: ${lastLine(failed.stderr)}` : undefined;
}

/** Installs what is missing and can be had. @returns why not all of it, if so. */
async function installServers() {
  const packages = Object.values(SERVERS).flatMap((it) => (missing(...it.needs) === undefined ? [] : it.packages));
  if (packages.length === 0) return undefined;
  if (process.getuid() !== 0) return 'only root can install them';
  const lacking = missing(['apt-get', '--version']);
  if (lacking !== undefined) return lacking;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => run('apt-get', ['-qq', ...args], { env, maxBuffer: 64 << 20 }).catch((error) => error);
  const install = (...names) => apt('install', '-y', '--no-install-recommends', ...names);
  return withoutStarting(async () => {
    await apt('update');
    const failed = await install(...packages);
    if (!(failed instanceof Error)) return undefined;
    // What cannot be had must not keep the rest away.
    for (const name of packages) await install(name);
    return lastLine(failed.stderr);
  });
}

const POLICY = '/usr/sbin/policy-rc.d';

/** Debian's packages start what they install, unless this file forbids it. */
async function withoutStarting(install) {
  const before = existsSync(POLICY) ? { text: readFileSync(POLICY), mode: statSync(POLICY).mode } : undefined;
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return await install();
  } finally {
    if (before === undefined) rmSync(POLICY);
    else writeFileSync(POLICY, before.text, { mode: before.mode });
  }
}

function lastLine(text) {
  return text.trim().split('\n').at(-1);
}
