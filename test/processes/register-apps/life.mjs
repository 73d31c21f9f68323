/** How long a process lives: `node life.mjs HOST PORT WHAT` prints its exit code, and whether something held it. */
import { connect, Socket } from 'node:net';

const [host, port, what] = process.argv.slice(2);
let held = false;
const lives = {
  'nothing at all': () => {},
  'an exit code': () => {
    process.exitCode = 3;
  },
  'an idle socket, closed by a timer that holds nothing': () => {
    const socket = connect(port, host);
    setTimeout(() => {
      held = true;
      socket.destroy();
    }, 200).unref();
  },
  'a socket that was unref’d': () =>
    connect(port, host, () => {}).on('connect', function () {
      this.unref();
    }),
  'a socket that was unref’d before it was connected': () => connect(port, host).unref(),
  'a socket that was unref’d and ref’d again': () => {
    const socket = connect(port, host).unref().ref();
    setTimeout(() => {
      held = true;
      socket.destroy();
    }, 200).unref();
  },
  'a socket that is paused': () => connect(port, host).pause(),
  'a socket that is ended': () =>
    connect(port, host, function () {
      this.end();
    }),
  'a socket that is destroyed': () =>
    connect(port, host, function () {
      this.destroy();
    }),
  'a half-open socket that waits': () => {
    const socket = new Socket({ allowHalfOpen: true }).resume();
    socket.connect(port, host, () => socket.write('x'));
    setTimeout(() => {
      held = true;
      socket.destroy();
    }, 200).unref();
  },
  'a listener that throws': () => {
    process.on('uncaughtException', (error) => console.log('uncaught', error.message));
    const socket = connect(port, host, () => {
      setImmediate(() => socket.destroy());
      throw new Error('a mistake of the app');
    });
  },
};
process.on('exit', (code) => console.log('exit', code, held ? 'held' : 'free'));
lives[what]();
