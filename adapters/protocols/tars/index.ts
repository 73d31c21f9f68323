/** The TARS protocol (TarsGo, @tars/rpc), TUP included. Imports `src/message`. */
export { type TarsOptions, tars, tarsProtocol } from './protocol.js';
