/** bRPC's `baidu_std` (bRPC in C++, brpc-java, jprotobuf). Imports `src/message`. */
export { type BrpcOptions, brpc, brpcProtocol } from './protocol.js';
