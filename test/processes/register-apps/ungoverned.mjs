/** What an app does that is none of a mesh's: prints what it sees, which must be the same with a mesh and without. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, get, request } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2 } from 'node:http2';
import https from 'node:https';
import { connect, createServer as createTcp } from 'node:net';
import { text } from 'node:stream/consumers';

const [certificates] = process.argv.slice(2);
const pem = (name) => readFileSync(`${certificates}/${name}`);
const secure = { key: pem('server.key'), cert: pem('server.pem') };
const listening = async (server) => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server.address().port;
};
const answer = async (incoming, outgoing) => outgoing.end(`${incoming.method} ${(await text(incoming)).length}`);

const http = createServer(answer);
const port = await listening(http);
const body = 'x'.repeat(1_000_000);
console.log('fetch', await (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body })).text());
const posting = request({ port, host: 'localhost', family: 4, method: 'PUT' });
posting.end(body);
console.log('http.request', await text((await once(posting, 'response'))[0]));
const [got] = await once(get(`http://127.0.0.1:${port}`), 'response');
console.log('http.get', await text(got), got.headers.connection);

const tls = https.createServer(secure, answer);
const [reply] = await once(
  https.get({ port: await listening(tls), host: '127.0.0.1', rejectUnauthorized: false }),
  'response',
);
console.log('https', await text(reply));

const http2 = createHttp2();
http2.on('stream', (stream) => stream.respond({ ':status': 201 }) ?? stream.end('h2'));
const session = connectHttp2(`http://127.0.0.1:${await listening(http2)}`);
const stream = session.request({ ':path': '/' });
const [headers] = await once(stream, 'response');
console.log('http2', headers[':status'], await text(stream));
session.close();

const tcp = createTcp((socket) => socket.pipe(socket));
const echo = connect(await listening(tcp), '127.0.0.1');
echo.end(body);
console.log('tcp', (await text(echo)).length);

const gone = createTcp();
const free = await listening(gone);
gone.close();
await once(gone, 'close');
const [error] = await once(connect(free, '127.0.0.1'), 'error');
console.log('refused', error.code, error.syscall, error.message.replace(String(free), 'PORT'));

for (const server of [http, tls, http2, tcp]) server.close();
