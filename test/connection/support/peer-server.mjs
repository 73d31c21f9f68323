/**
 * A server of the test protocol in a process of its own, so that it can be stopped and killed. Told what to do over IPC:
 * `{ mode }`, where mode is one of
 *   echo     answers each request with its payload (and those held so far), heartbeats with theirs
 *   hold     reads requests and keeps them
 *   reverse  answers what it holds, last first, each twice, and goes on as echo
 *   garbage  sends bytes that are no frame, and forgets what it holds
 *   deaf     does not read
 *   hang-up  answers what it holds but the last, then ends its side
 *   crowd    answers each request after `crowd` have come, shuffled
 * It reports `{ port }` once it listens and `{ requests }` whenever some have come.
 */
import { createServer } from 'node:net';

const HEAD = 14;
const RESPONSE = 2;
const PING = 4;
const PONG = 5;

let mode = 'echo';
let crowd = 0;
let requests = 0;
const sockets = new Set();
const held = [];

const server = createServer((socket) => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
  socket.on('error', () => {});
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const before = requests;
    while (rest.length >= HEAD && rest.length >= HEAD + rest.readUInt32BE(10)) {
      const end = HEAD + rest.readUInt32BE(10);
      receive(socket, rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    if (requests !== before) process.send({ requests });
  });
  if (mode === 'deaf') socket.pause();
});

function receive(socket, frame) {
  if (frame[1] === PING) {
    if (mode !== 'hold') reply(socket, frame, PONG);
    return;
  }
  requests++;
  if (frame[1] === 1) return;
  if (mode === 'echo') reply(socket, frame);
  else held.push([socket, frame]);
  if (mode === 'crowd' && held.length >= crowd) {
    for (let i = held.length - 1; i > 0; i--) {
      const j = (i * 7919) % (i + 1);
      [held[i], held[j]] = [held[j], held[i]];
    }
    release();
  }
}

function reply(socket, frame, kind = RESPONSE) {
  const bytes = Buffer.from(frame);
  bytes[1] = kind;
  socket.write(bytes);
}

function release() {
  for (const [socket, frame] of held.splice(0)) reply(socket, frame);
}

process.on('message', (order) => {
  if (order.crowd !== undefined) crowd = order.crowd;
  mode = order.mode;
  for (const socket of sockets) mode === 'deaf' ? socket.pause() : socket.resume();
  if (mode === 'echo') release();
  if (mode === 'reverse') {
    held.reverse();
    for (const [socket, frame] of [...held]) reply(socket, frame);
    release();
    mode = 'echo';
  }
  if (mode === 'garbage') {
    held.length = 0;
    for (const socket of sockets) socket.write('no frame at all');
  }
  if (mode === 'hang-up') {
    held.pop();
    release();
    for (const socket of sockets) socket.end();
  }
  process.send({ mode: order.mode });
});
process.on('disconnect', () => process.exit());
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => process.send({ port: server.address().port }));
