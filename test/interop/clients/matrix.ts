/** One unmodified client of npm, or of Node itself, in the matrix. */
export interface Client {
  /** Its package, or its module of Node. */
  readonly name: string;
  /** In `programs/`: an application that does what it can with it. */
  readonly program: string;
  /** In `servers/`. */
  readonly server: string;
  /** Which of the server's ports is its `port`. @defaultValue 'port' */
  readonly port?: string;
  /** The protocol of this mesh that reads it; without one its connections are passed on as they are. */
  readonly codec?: string;
  /** The attribute that names what is called. @defaultValue 'method' */
  readonly operation?: string;
  /** Why it is not put on a connection of the mesh's: its TLS would begin there. */
  readonly ciphertext?: true;
  /** What it was made to do, for the docs. */
  readonly does: string;
}

export const CLIENTS: readonly Client[] = [
  {
    name: 'dubbo2.js',
    program: 'dubbo2.js.mjs',
    server: 'dubbo.mjs',
    codec: 'dubbo',
    does: 'calls, 1.3 MiB, exceptions of the service and of the framework',
  },
  {
    name: 'sofa-rpc-node',
    program: 'sofa-rpc-node.mjs',
    server: 'dubbo.mjs',
    codec: 'dubbo',
    does: 'calls over dubbo-remoting, 1.3 MiB, errors of the framework',
  },
  {
    name: 'thrift',
    program: 'thrift.cjs',
    server: 'thrift.mjs',
    codec: 'thrift',
    does: 'framed binary calls, 1.3 MiB, one-way calls, application exceptions',
  },
  {
    name: '@tars/rpc',
    program: 'tars-rpc.cjs',
    server: 'tars.mjs',
    codec: 'tars',
    operation: 'func',
    does: 'calls, 1 MiB, result codes',
  },
  {
    name: 'ioredis',
    program: 'ioredis.mjs',
    server: 'redis.mjs',
    does: 'pipelines, transactions, 5 MiB, subscriptions, blocked calls, socket timeout',
  },
  {
    name: 'ioredis',
    program: 'ioredis-cluster.mjs',
    server: 'redis.mjs',
    port: 'cluster',
    does: 'Cluster: keys of all nodes, whose addresses the nodes tell: these are dialled as they are',
  },
  {
    name: 'redis',
    program: 'redis.mjs',
    server: 'redis.mjs',
    does: 'pipelines, transactions, 5 MiB, subscriptions, socket timeout',
  },
  {
    name: 'kafkajs',
    program: 'kafkajs.mjs',
    server: 'kafka.py',
    does: 'produces to and consumes as a group from three brokers, which tell their addresses: these are dialled as they are',
  },
  {
    name: 'mysql2',
    program: 'mysql2.mjs',
    server: 'mariadb.mjs',
    does: 'statements, prepared ones, 5 MiB, streamed rows, TLS begun within the connection, query timeout',
  },
  {
    name: 'pg',
    program: 'pg.mjs',
    server: 'postgresql.mjs',
    does: 'statements, prepared ones, 5 MiB, a pool, notifications, TLS begun within the connection, query timeout',
  },
  {
    name: 'mongodb',
    program: 'mongodb.mjs',
    server: 'mongodb.py',
    does: 'inserts, cursors, 5 MiB, a pool, write errors, socket timeout; its server is MockupDB',
  },
  { name: 'memjs', program: 'memjs.cjs', server: 'memcached.mjs', does: 'binary protocol, 5 MiB, many keys at once' },
  {
    name: 'amqplib',
    program: 'amqplib.mjs',
    server: 'rabbitmq.mjs',
    does: 'confirmed publishing, consuming, 5 MiB, topics, heartbeats, errors of channel and connection',
  },
  {
    name: 'mqtt',
    program: 'mqtt.mjs',
    server: 'mosquitto.mjs',
    does: 'all three qualities of service, 5 MiB, retained messages, last will, keep-alive',
  },
  {
    name: 'node-zookeeper-client',
    program: 'node-zookeeper-client.cjs',
    server: 'zookeeper.mjs',
    does: 'nodes, 1 MB, watches, pings of an idle session',
  },
  {
    name: '@grpc/grpc-js',
    program: 'grpc-js.mjs',
    server: 'web.mjs',
    does: 'unary calls, 5 MiB, streams, statuses, deadlines; it looks names up by itself',
  },
  {
    name: 'undici',
    program: 'undici.mjs',
    server: 'web.mjs',
    does: 'pipelining, 20 MiB streamed, upgrades, headers timeout',
  },
  { name: 'fetch', program: 'fetch.mjs', server: 'web.mjs', does: 'streams as body, 20 MiB, abort' },
  {
    name: 'node:http',
    program: 'http.mjs',
    server: 'web.mjs',
    does: 'keep-alive, 100-continue, 20 MiB, upgrades, idle timeout, abort',
  },
  { name: 'node:http2', program: 'http2.mjs', server: 'web.mjs', does: 'many streams, 20 MiB, pings, idle timeout' },
  {
    name: 'node:https',
    program: 'https.mjs',
    server: 'web.mjs',
    ciphertext: true,
    does: '20 MiB, unknown authorities',
  },
  {
    name: 'node:net',
    program: 'net.mjs',
    server: 'web.mjs',
    does: 'half-closing, corking, back-pressure, idle timeout, abort, one socket connected twice; all events in order',
  },
];
