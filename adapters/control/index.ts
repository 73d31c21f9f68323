/** A local socket on which tools ask a running process: server, client, and where sockets are. Imports Node alone. */
export { type AskOptions, ask } from './ask.js';
export { type ControlEntry, controlFolder, listControls } from './place.js';
export { type Control, openControl, type Resource } from './server.js';
