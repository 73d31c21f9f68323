/** What rules change of requests and replies on the wire. Imports `call` and `message`. */
export { attemptMutation, withMutation } from './mutation.js';
