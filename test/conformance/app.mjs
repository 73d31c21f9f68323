/**
 * An app that knows nothing of a mesh. On each connection it reads a line, `HOST PORT`, connects there, and passes the bytes on,
 * both ways: so a test makes it say what it wants. Prints one line of JSON when it is ready, with its port; ends with its
 * standard input.
 */
import { connect, createServer } from 'node:net';

const server = createServer((socket) => {
  let head = '';
  socket.on('readable', function read() {
    for (let chunk = socket.read(1); chunk !== null; chunk = socket.read(1)) {
      head += chunk;
      if (!head.endsWith('\n')) continue;
      socket.off('readable', read);
      const [host, port] = head.trim().split(' ');
      const other = connect(Number(port), host);
      socket.pipe(other).pipe(socket);
      socket.on('close', () => other.destroy());
      socket.on('error', () => other.destroy());
      other.on('error', () => socket.destroy());
      return;
    }
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ ready: true, port: server.address().port })));
process.stdin.resume().once('end', () => process.exit());
