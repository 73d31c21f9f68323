import mysql from 'mysql2/promise';
import { digest, fails, host, noise, port, refusing, step } from './step.cjs';

const options = { host, port, user: 'root' };
const connection = await mysql.createConnection(options);
const large = noise(5 << 20);

await step('query', async () => {
  await connection.query('CREATE DATABASE IF NOT EXISTS demo');
  await connection.query('USE demo');
  await connection.query('CREATE TEMPORARY TABLE notes (id INT PRIMARY KEY, text VARCHAR(20), body LONGBLOB)');
  await connection.query("INSERT INTO notes VALUES (1, 'hello', NULL)");
  return (await connection.query('SELECT id, text FROM notes'))[0];
});
await step('prepared, 5 MiB', async () => {
  await connection.execute('INSERT INTO notes VALUES (?, ?, ?)', [2, 'large', large]);
  const [[row]] = await connection.execute('SELECT body FROM notes WHERE id = ?', [2]);
  return digest(row.body);
});
await step('many at once', async () =>
  (await Promise.all(Array.from({ length: 100 }, (_, i) => connection.query(`SELECT ${i} AS i`)))).map(
    ([[{ i }]]) => i,
  ),
);
await step('stream of rows', async () => {
  const rows = connection.connection.query("SELECT seq, REPEAT('x', 500) AS text FROM seq_1_to_10000").stream();
  let seen = 0;
  for await (const { seq } of rows) seen += seq;
  return seen;
});
await fails('server error', () => connection.query('SELECT nothing FROM nowhere'));
await step('with TLS', async () => {
  const secure = await mysql.createConnection({ ...options, ssl: { rejectUnauthorized: false } });
  const [[{ Value }]] = await secure.query("SHOW STATUS LIKE 'Ssl_version'");
  await secure.end();
  return Value;
});
await fails('query timeout', async () => {
  const slow = await mysql.createConnection(options);
  try {
    await slow.query({ sql: 'SELECT SLEEP(1)', timeout: 200 });
  } finally {
    slow.destroy();
  }
});
await fails('connection refused', () => mysql.createConnection({ ...options, port: refusing }));
await step('end', () => connection.end());
