/** Debian's MariaDB, for MySQL's protocol. It also speaks TLS, with the certificate of this repository's tests. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../support/free-ports.mjs';
import { daemon, run, serve } from './serve.mjs';

const certificates = fileURLToPath(new URL('../../../support/certificates', import.meta.url));

await serve(async (folder) => {
  const port = await freePort();
  const data = join(folder, 'data');
  const user = process.getuid() === 0 ? ['--user=root'] : [];
  const common = ['--no-defaults', ...user, `--datadir=${data}`, '--innodb-flush-log-at-trx-commit=0'];
  await run('mariadb-install-db', [...common, '--auth-root-authentication-method=normal', '--skip-test-db']);
  const args = [
    ...common,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${join(folder, 'socket')}`,
    '--max-allowed-packet=32M',
    `--ssl-cert=${join(certificates, 'server.pem')}`,
    `--ssl-key=${join(certificates, 'server.key')}`,
    '--skip-log-bin',
  ];
  await daemon('mariadbd', args, /ready for connections/);
  return { port };
});
