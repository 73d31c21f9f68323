/** The tRPC protocol (trpc-go, trpc-java): unary calls and streams. Imports `src/message`. */
export { type TrpcOptions, trpc, trpcProtocol } from './protocol.js';
