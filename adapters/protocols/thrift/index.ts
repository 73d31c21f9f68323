/** The Thrift protocol, over all of its transports and encodings. Imports `src/message` and Node's zlib. */
export { type ThriftOptions, thrift, thriftProtocol } from './protocol.js';
