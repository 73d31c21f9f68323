import pg from 'pg';
import { digest, fails, host, noise, port, refusing, step, told } from './step.cjs';

const options = { host, port, user: 'tester', database: 'postgres' };
const large = noise(5 << 20);
const client = new pg.Client(options);
await client.connect();

await step('query', async () => {
  await client.query('CREATE TEMPORARY TABLE notes (id int PRIMARY KEY, text text, body bytea)');
  await client.query("INSERT INTO notes VALUES (1, 'hello', NULL)");
  return (await client.query('SELECT id, text FROM notes')).rows;
});
await step('prepared, 5 MiB', async () => {
  await client.query('INSERT INTO notes VALUES ($1, $2, $3)', [2, 'large', large]);
  return digest(
    (await client.query({ name: 'body', text: 'SELECT body FROM notes WHERE id = $1', values: [2] })).rows[0].body,
  );
});
await step('a pool', async () => {
  const pool = new pg.Pool(options);
  const all = await Promise.all(Array.from({ length: 100 }, (_, i) => pool.query(`SELECT ${i} AS i`)));
  await pool.end();
  return all.map(({ rows }) => rows[0].i);
});
await step('many rows', async () => {
  const { rows } = await client.query("SELECT n, repeat('x', 500) AS text FROM generate_series(1, 10000) n");
  return digest(JSON.stringify(rows));
});
await step('listen and notify', async () => {
  const listener = new pg.Client(options);
  await listener.connect();
  await listener.query('LISTEN news');
  const heard = new Promise((resolve) =>
    listener.once('notification', ({ channel, payload }) => resolve([channel, payload])),
  );
  await client.query("NOTIFY news, 'of the day'");
  const notified = await heard;
  await listener.end();
  return notified;
});
await fails('server error', () => client.query('SELECT nothing FROM nowhere'));
await step('with TLS', async () => {
  const secure = new pg.Client({ ...options, ssl: { rejectUnauthorized: false } });
  await secure.connect();
  const { rows } = await secure.query('SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
  const body = await secure.query('SELECT $1::bytea AS body', [large]);
  await secure.end();
  return [rows, digest(body.rows[0].body)];
});
await fails('query timeout', async () => {
  const slow = new pg.Client({ ...options, query_timeout: 200 });
  await slow.connect();
  try {
    await slow.query('SELECT pg_sleep(1)');
  } finally {
    await slow.end();
  }
});
await step('ended by the server', async () => {
  const victim = new pg.Client(options);
  await victim.connect();
  const errors = [];
  victim.on('error', (error) => errors.push(told(error)));
  const { rows } = await victim.query('SELECT pg_backend_pid() AS pid');
  const ended = new Promise((resolve) => victim.once('end', resolve)); // once() would reject with the error
  await client.query('SELECT pg_terminate_backend($1)', [rows[0].pid]);
  await ended;
  return errors;
});
await fails('connection refused', () => new pg.Client({ ...options, port: refusing }).connect());
await step('end', () => client.end());
