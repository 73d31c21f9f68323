/** Debian's PostgreSQL. `tls`: it also speaks TLS on that port, with the certificate of this repository's tests. */
import { chmodSync, chownSync, copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../support/free-ports.mjs';
import { as, daemon, run, serve } from './serve.mjs';

const RELEASES = '/usr/lib/postgresql';
const certificates = fileURLToPath(new URL('../../../support/certificates', import.meta.url));

await serve(async (folder) => {
  const port = await freePort();
  const bin = join(RELEASES, readdirSync(RELEASES).at(-1), 'bin');
  const root = process.getuid() === 0;
  const uid = root ? Number(await run('id', ['-u', 'postgres'])) : process.getuid();
  const own = (path, mode) => {
    if (root) chownSync(path, uid, uid);
    chmodSync(path, mode);
    return path;
  };
  own(folder, 0o700);
  const data = join(folder, 'data');
  // No fsync: nobody will want these data after a crash.
  await run(...as('postgres', join(bin, 'initdb'), ['-D', data, '-U', 'tester', '-A', 'trust', '--no-sync']));
  for (const file of ['server.pem', 'server.key']) {
    copyFileSync(join(certificates, file), join(folder, file));
    own(join(folder, file), 0o600);
  }
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    ssl: 'on',
    ssl_cert_file: join(folder, 'server.pem'),
    ssl_key_file: join(folder, 'server.key'),
  };
  const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  await daemon(...as('postgres', join(bin, 'postgres'), args), /ready to accept connections/, { signal: 'SIGINT' });
  return { port };
});
