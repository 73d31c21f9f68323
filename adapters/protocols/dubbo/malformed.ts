/**
 * A body that cannot be read. It never leaves this folder: attributes behind the fault are absent, and the provider, which
 * answers such a body with status 40, has the last word. One shared value, so that hostile bytes cost no stack traces.
 */
export const MALFORMED: Error = Object.freeze(new Error('malformed Dubbo body'));
