/** The typed Dubbo client: JavaScript values to calls and back. Imports the codec beside it, `src` and hessian.js. */
export {
  type CallsMessages,
  type DubboCallOptions,
  DubboClient,
  type DubboClientOptions,
  dubboClient,
} from './client.js';
export { DubboException, DubboFrameworkError } from './errors.js';
