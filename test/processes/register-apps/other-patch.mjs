/** What instrumentation does that is no concern of ours: it replaces `connect`, and calls what was there. */
import { Socket } from 'node:net';

/** Where the mesh asks whether there is a proxy of Istio's. */
const PROBE = 15021;
const { connect } = Socket.prototype;
const seen = new Set();
Socket.prototype.connect = function (...args) {
  const [options] = Array.isArray(args[0]) ? args[0] : args;
  seen.add(Number(options.port ?? options));
  return connect.apply(this, args);
};
process.on('exit', () => console.log('another saw', ...[...seen].filter((port) => port !== PROBE)));
