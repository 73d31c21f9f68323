/** The Dubbo protocol (Hessian 2 and fastjson2 bodies). Imports `src/message` and npm's hessian.js (the typed client). */
export { type DubboOptions, dubbo, dubboProtocol } from './protocol.js';
