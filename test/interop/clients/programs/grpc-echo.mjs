/** A gRPC service whose messages are bytes: what a compiler would write, without one. */
const bytes = {
  requestSerialize: (value) => value,
  requestDeserialize: (value) => value,
  responseSerialize: (value) => value,
  responseDeserialize: (value) => value,
};

export const echoService = {
  unary: { path: '/demo.Echo/Unary', requestStream: false, responseStream: false, ...bytes },
  stream: { path: '/demo.Echo/Stream', requestStream: true, responseStream: true, ...bytes },
};
