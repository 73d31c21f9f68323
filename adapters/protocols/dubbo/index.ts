/** The Dubbo protocol (Hessian 2 and fastjson2 bodies). Imports `src/message` and npm's hessian.js (the typed client). */
export {
  type CallsMessages,
  type DubboCallOptions,
  DubboClient,
  type DubboClientOptions,
  DubboException,
  DubboFrameworkError,
  dubboClient,
} from './client/index.js';
export { type DubboOptions, dubbo, dubboProtocol } from './protocol.js';
