/** Debian's RabbitMQ, an AMQP 0-9-1 broker. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../../support/free-ports.mjs';
import { daemon, serve } from './serve.mjs';

await serve(async (folder) => {
  const [port, distribution, names] = await freePorts(3);
  writeFileSync(join(folder, 'rabbitmq.conf'), `listeners.tcp.1 = 127.0.0.1:${port}\n`);
  writeFileSync(join(folder, 'enabled_plugins'), '[].\n');
  const env = {
    HOME: folder,
    ERL_EPMD_PORT: String(names),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_NODENAME: `peer${port}@localhost`,
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: folder,
    RABBITMQ_LOGS: '-',
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 2:2 +sbwt none',
  };
  // Erlang starts its name server by itself, as a daemon which would outlive us, unless there is one.
  await daemon('epmd', ['-d'], /epmd running/, { env });
  await daemon('/usr/lib/rabbitmq/bin/rabbitmq-server', [], /Server startup complete/, { env, signal: 'SIGKILL' });
  return { port };
});
