/**
 * Node's own HTTP servers and grpc-js's, a process of their own. `port`: HTTP/1.1 and upgrades; `tls`: HTTPS, by the certificate of this
 * repository's tests; `h2c`: HTTP/2 without TLS; `grpc`; `echo`: plain TCP, which ends when the client has.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import grpc from '@grpc/grpc-js';
import { echoService } from '../programs/grpc-echo.mjs';
import { serve } from './serve.mjs';

const certificate = (file) => readFileSync(new URL(`../../../support/certificates/${file}`, import.meta.url));

function handle(request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://server');
  if (pathname === '/silence') return;
  if (pathname === '/hang-up') return request.socket.destroy();
  if (pathname === '/missing') return void response.writeHead(404, { 'x-reason': 'missing' }).end('no such thing\n');
  if (pathname === '/bytes') return void response.end(Buffer.alloc(Number(searchParams.get('size')), 'meltemi '));
  const hash = createHash('sha256');
  let length = 0;
  request.on('data', (chunk) => {
    hash.update(chunk);
    length += chunk.length;
  });
  request.on('end', () => {
    const { method, headers } = request;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ method, path: pathname, tag: headers['x-tag'], length, sha256: hash.digest('hex') }));
  });
}

function upgrade(_request, socket) {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.pipe(socket);
}

function grpcServer() {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
  server.addService(echoService, {
    unary(call, answer) {
      if (String(call.request) === 'fail') answer({ code: grpc.status.FAILED_PRECONDITION, details: 'as asked' });
      else if (String(call.request) !== 'silence') answer(null, call.request);
    },
    stream(call) {
      call.on('data', (message) => call.write(message));
      call.on('end', () => call.end());
    },
  });
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

const listen = (server) =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

await serve(async () => {
  const [port, tls, h2c, echo] = await Promise.all([
    listen(createServer(handle).on('upgrade', upgrade)),
    listen(createTlsServer({ cert: certificate('server.pem'), key: certificate('server.key') }, handle)),
    listen(createHttp2Server(handle)),
    listen(createTcpServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))),
  ]);
  return { port, tls, h2c, echo, grpc: await grpcServer() };
});
